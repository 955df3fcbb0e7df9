#!/usr/bin/env bash
# Install what the paper is typeset with, if it is missing and apt may be used; else say what to do.
set -euo pipefail

packages=(latexmk texlive-xetex texlive-lang-korean texlive-latex-recommended texlive-latex-extra
    texlive-science texlive-fonts-recommended fontconfig fonts-nanum poppler-utils)

complete() {
    local tool file
    for tool in latexmk xelatex bibtex kpsewhich fc-list; do
        command -v "$tool" > /dev/null || return 1
    done
    for file in xetexko.sty siunitx.sty booktabs.sty; do
        kpsewhich "$file" > /dev/null || return 1
    done
    [ -n "$(fc-list NanumGothic)" ]
}

complete && exit 0
sudo=$([ "$(id -u)" = 0 ] || echo "sudo -n")
if command -v apt-get > /dev/null && $sudo true 2> /dev/null; then
    echo "Installing LaTeX and the Nanum fonts with apt (about 0.5 GB; two minutes)"
    export DEBIAN_FRONTEND=noninteractive
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null
    complete && exit 0
fi
cat >&2 << MISSING
error: LaTeX with Korean or the Nanum fonts are missing. Install them, then call make again:
  Debian, Ubuntu:  sudo apt-get install --no-install-recommends ${packages[*]}
  macOS:           brew install --cask mactex font-nanum-gothic font-nanum-myeongjo
  conda:           has no complete TeX Live; install one from tug.org/texlive, and the Nanum fonts
MISSING
exit 1
