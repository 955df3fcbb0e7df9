"""Command line: render one frame of a split, or all frames of all splits."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from frame_files import frame_files
from splits import FRAMES_PER_LAYOUT, SPLITS, frame_key


def parse_arguments() -> argparse.Namespace:
    """Arguments of one frame (--split, --index), or of a whole or partial set (--all)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder for the files")
    parser.add_argument("--split", choices=tuple(SPLITS), help="split of the frame")
    parser.add_argument("--index", type=int, help="index of the frame in its split")
    parser.add_argument("--all", action="store_true", help="every frame not yet in the folder")
    parser.add_argument("--workers", type=int, default=1, help="processes for --all (1)")
    parser.add_argument("--share", metavar="K/N", help="with --all, only every N-th layout from K")
    arguments = parser.parse_args()
    if arguments.all == (arguments.split is not None and arguments.index is not None):
        parser.error("give either --all, or both --split and --index")
    if arguments.workers < 1:
        parser.error(f"--workers must be at least 1, not {arguments.workers}")
    return arguments


def use_one_processor(number: int) -> None:
    """Keep this process, and so the renderer's thread pool, on one processor where supported."""
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {usable[number % len(usable)]})


def render_frames(output: Path, wanted: list[tuple[str, int]]) -> None:
    """Render (split, index) pairs, in this process, with progress on standard error."""
    import bpy
    from assets import build_library
    from frames import make_frame
    from labels import write_frame
    from passes import render_image, render_labels
    from stage import Stage
    from streets import make_layout

    bpy.ops.wm.read_factory_settings(use_empty=True)
    library = build_library()
    stage, layout, start = Stage(library), None, time.monotonic()
    for done, (split, index) in enumerate(wanted, 1):
        number = index // FRAMES_PER_LAYOUT
        if layout is None or (layout.split, layout.number) != (split, number):
            layout = make_layout(split, number)
            stage.show_layout(layout)
        frame = make_frame(layout, index)
        stage.show_frame(frame)
        image = render_image(stage, frame.seed)
        passes = render_labels(stage, frame.camera)
        write_frame(output, layout, frame, image, passes, library.meshes)
        pace = (time.monotonic() - start) / done
        left = pace * (len(wanted) - done) / 60
        message = f"{frame.key}  {done}/{len(wanted)}  {pace:.1f} s/frame  {left:.0f} min left"
        print(message, file=sys.stderr, flush=True)


def missing_frames(output: Path, share: str) -> list[tuple[str, int]]:
    """Frames of one share of the layouts whose six files are not all there."""
    first, step = (int(part) for part in share.split("/"))
    if not 0 <= first < step:
        raise ValueError(f"--share is {share}, expected K/N with 0 <= K < N")
    return [
        (split, index)
        for split, count in SPLITS.items()
        for index in range(count)
        if index // FRAMES_PER_LAYOUT % step == first
        and not all(path.exists() for path in frame_files(output, frame_key(split, index)))
    ]


def run_workers(output: Path, workers: int) -> int:
    """Start one process per share and wait; returns the first non-zero exit status."""
    command = [sys.executable, __file__, "--all", "--output", str(output)]
    running = [
        subprocess.Popen([*command, "--share", f"{k}/{workers}"], stdout=subprocess.DEVNULL)
        for k in range(workers)
    ]
    return max(process.wait() for process in running)


def main() -> None:
    """Render what the arguments ask for."""
    arguments = parse_arguments()
    arguments.output.mkdir(parents=True, exist_ok=True)
    if arguments.all and arguments.share is None and arguments.workers > 1:
        sys.exit(run_workers(arguments.output, arguments.workers))
    share = arguments.share or "0/1"
    use_one_processor(int(share.split("/")[0]))
    if arguments.all:
        render_frames(arguments.output, missing_frames(arguments.output, share))
        return
    if not 0 <= arguments.index < SPLITS[arguments.split]:
        limit = SPLITS[arguments.split] - 1
        sys.exit(f"--index is {arguments.index}, expected 0 to {limit} for {arguments.split}")
    render_frames(arguments.output, [(arguments.split, arguments.index)])


if __name__ == "__main__":
    main()
