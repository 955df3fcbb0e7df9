"""Procedural Cycles materials, one per surface kind, each tagged with its semantic class."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import bpy
from classes import material_index

NORMAL_OUTPUT = "surface_normal"
Socket: TypeAlias = bpy.types.NodeSocket
Colour = tuple[float, float, float]


class Surface:
    """A node tree being written: a Principled shader and the nodes that feed it."""

    def __init__(self, name: str, class_name: str, roughness: float = 0.8) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.material.pass_index = material_index(class_name)
        self.tree = self.material.node_tree
        self.shader = self.tree.nodes["Principled BSDF"]
        self.set("Roughness", roughness)
        self._write_unbumped_normal()

    def _write_unbumped_normal(self) -> None:
        """The normal pass of Cycles contains the bump; this output holds the mesh's normal."""
        output = self.node("ShaderNodeOutputAOV", {}, aov_name=NORMAL_OUTPUT)
        geometry = self.node("ShaderNodeNewGeometry", {})
        self.tree.links.new(geometry.outputs["Normal"], output.inputs["Color"])

    def node(self, kind: str, inputs: Mapping[Any, Any], **settings: Any) -> bpy.types.Node:
        """A new node with its inputs linked (sockets) or set (values)."""
        node = self.tree.nodes.new(kind)
        for name, value in settings.items():
            setattr(node, name, value)
        for key, value in inputs.items():
            if isinstance(value, Socket):
                self.tree.links.new(value, node.inputs[key])
            else:
                node.inputs[key].default_value = value
        return node

    def set(self, name: str, value: Any) -> None:
        """Link or set an input of the Principled shader."""
        if isinstance(value, Socket):
            self.tree.links.new(value, self.shader.inputs[name])
        else:
            self.shader.inputs[name].default_value = value

    def rgb(self, colour: Colour) -> Socket:
        """A constant colour (linear)."""
        node = self.node("ShaderNodeRGB", {})
        node.outputs[0].default_value = (*colour, 1.0)
        return node.outputs[0]

    def position(self) -> Socket:
        """World coordinates in metres."""
        return self.node("ShaderNodeNewGeometry", {}).outputs["Position"]

    def local(self) -> Socket:
        """Coordinates of the mesh in metres."""
        return self.node("ShaderNodeTexCoord", {}).outputs["Object"]

    def uv(self) -> Socket:
        """Across and along a ribbon, in metres."""
        return self.node("ShaderNodeTexCoord", {}).outputs["UV"]

    def wall(self) -> Socket:
        """(x + y, z, 0) of the mesh: a plane coordinate on any axis-aligned wall."""
        parts = self.node("ShaderNodeSeparateXYZ", {0: self.local()}).outputs
        along = self.math("ADD", parts["X"], parts["Y"])
        return self.node("ShaderNodeCombineXYZ", {0: along, 1: parts["Z"]}).outputs[0]

    def property(self, name: str) -> Socket:
        """A colour stored on the object under `name`."""
        node = self.node("ShaderNodeAttribute", {}, attribute_type="OBJECT", attribute_name=name)
        return node.outputs["Color"]

    def math(self, operation: str, a: Any, b: Any = 0.5, clamp: bool = False) -> Socket:
        """A scalar operation."""
        inputs = {0: a, 1: b}
        node = self.node("ShaderNodeMath", inputs, operation=operation, use_clamp=clamp)
        return node.outputs[0]

    def noise(self, scale: float, where: Socket, detail: float = 3.0) -> Socket:
        """Fractal noise around 0.5; `scale` in cycles per metre."""
        inputs = {"Vector": where, "Scale": scale, "Detail": detail}
        return self.node("ShaderNodeTexNoise", inputs).outputs[0]

    def ramp(self, value: Socket, low: float, high: float) -> Socket:
        """`value` mapped linearly so that low gives 0 and high gives 1, clamped."""
        inputs = {0: value, 1: low, 2: high}
        return self.node("ShaderNodeMapRange", inputs).outputs[0]

    def mix(self, factor: Any, a: Socket, b: Socket, blend: str = "MIX") -> Socket:
        """Blend two colours."""
        node = self.node("ShaderNodeMix", {}, data_type="RGBA", blend_type=blend)
        for key, value in ((0, factor), (6, a), (7, b)):
            if isinstance(value, Socket):
                self.tree.links.new(value, node.inputs[key])
            else:
                node.inputs[key].default_value = value
        return node.outputs[2]

    def vary(self, colour: Socket, factor: Socket, amount: float) -> Socket:
        """`colour` made up to `amount` darker or brighter as `factor` runs over 0..1."""
        value = self.math("ADD", self.math("MULTIPLY", factor, 2 * amount), 1.0 - amount)
        node = self.node("ShaderNodeHueSaturation", {"Color": colour, "Value": value})
        return node.outputs[0]

    def bump(self, height: Socket, strength: float, distance: float = 0.02) -> None:
        """Perturb the shading normal; `distance` in metres."""
        inputs = {"Height": height, "Strength": strength, "Distance": distance}
        self.set("Normal", self.node("ShaderNodeBump", inputs).outputs[0])

    def paint(self, colour: Socket) -> None:
        """Set the base colour."""
        self.set("Base Color", colour)


def _plain(name: str, class_name: str, colour: Colour, rough: float, **inputs: float) -> Surface:
    """One colour with a little dirt."""
    s = Surface(name, class_name, rough)
    s.paint(s.vary(s.rgb(colour), s.noise(3.0, s.local()), 0.25))
    for key, value in inputs.items():
        s.set(key.replace("_", " "), value)
    return s


def _tinted(
    name: str, class_name: str, attribute: str, rough: float, dirt: float = 0.25, **inputs: float
) -> Surface:
    """A colour stored on the object, with a little dirt."""
    s = Surface(name, class_name, rough)
    s.paint(s.vary(s.property(attribute), s.noise(2.0, s.local()), dirt))
    for key, value in inputs.items():
        s.set(key.replace("_", " "), value)
    return s


def _emissive(name: str, class_name: str, colour: Colour, strength: float) -> Surface:
    """A lamp cover."""
    s = _plain(name, class_name, colour, 0.2)
    s.set("Emission Color", s.rgb(colour))
    s.set("Emission Strength", strength)
    s.material.cycles.emission_sampling = "NONE"
    return s


def _asphalt() -> Surface:
    """Tinted asphalt: grain, tyre tracks along the lanes, patches, cracks."""
    s = Surface("asphalt", "road", 0.85)
    uv, where = s.uv(), s.position()
    across = s.node("ShaderNodeSeparateXYZ", {0: uv}).outputs["X"]
    track = s.math("ABSOLUTE", s.math("SINE", s.math("MULTIPLY", across, 1.9)))
    wander = s.math("MULTIPLY", s.noise(0.15, where), 1.3)
    colour = s.vary(s.property("asphalt"), s.math("MULTIPLY", track, wander), 0.16)
    colour = s.vary(colour, s.noise(0.35, where, 4.0), 0.28)
    grain = s.noise(38.0, where, 0.0)
    colour = s.vary(colour, grain, 0.35)
    inputs = {"Vector": where, "Scale": 0.22, "Randomness": 1.0}
    cells = s.node("ShaderNodeTexVoronoi", inputs, feature="DISTANCE_TO_EDGE").outputs[0]
    crack = s.ramp(
        s.math("ADD", cells, s.math("MULTIPLY", s.noise(3.0, where, 1.0), 0.06)), 0.05, 0.03
    )
    dark = s.rgb((0.012, 0.012, 0.013))
    s.paint(s.mix(s.math("MULTIPLY", crack, 0.35), colour, dark))
    s.set("Specular IOR Level", 0.3)
    s.bump(grain, 0.4, 0.01)
    return s


def _marking(name: str, colour: Colour) -> Surface:
    """Road paint, worn away in places."""
    s = Surface(name, "road", 0.6)
    wear = s.ramp(s.noise(4.0, s.position(), 3.0), 0.56, 0.74)
    s.paint(s.mix(s.math("MULTIPLY", wear, 0.75), s.rgb(colour), s.rgb((0.07, 0.07, 0.07))))
    return s


def _paving() -> Surface:
    """Slabs with joints."""
    s = Surface("paving", "sidewalk", 0.8)
    inputs = {"Vector": s.uv(), "Scale": 1.0, "Mortar Size": 0.012, "Row Height": 0.6}
    slabs = s.node("ShaderNodeTexBrick", inputs)
    for key, value in (("Color1", 0.85), ("Color2", 1.12), ("Mortar", 0.5)):
        slabs.inputs[key].default_value = (value, value, value, 1)
    slabs.inputs["Brick Width"].default_value = 0.9
    stains = s.noise(0.8, s.position(), 3.0)
    tint = s.vary(s.property("paving"), stains, 0.3)
    s.paint(s.mix(1.0, tint, slabs.outputs["Color"], "MULTIPLY"))
    s.bump(slabs.outputs["Fac"], -0.4, 0.01)
    return s


def _brick() -> Surface:
    """Brickwork in the object's colour."""
    s = Surface("brick", "building", 0.9)
    inputs = {"Vector": s.wall(), "Scale": 1.0, "Mortar Size": 0.012, "Row Height": 0.11}
    bricks = s.node("ShaderNodeTexBrick", inputs)
    bricks.inputs["Brick Width"].default_value = 0.34
    for key, value in (("Color1", 0.75), ("Color2", 1.2), ("Mortar", 1.5)):
        bricks.inputs[key].default_value = (value, value, value, 1)
    tint = s.vary(s.property("tint"), s.noise(0.5, s.local(), 4.0), 0.25)
    s.paint(s.mix(1.0, tint, bricks.outputs["Color"], "MULTIPLY"))
    s.bump(bricks.outputs["Fac"], -0.5, 0.01)
    return s


def _plaster() -> Surface:
    """Rendered wall with streaks and damp near the ground."""
    s = Surface("plaster", "building", 0.9)
    where = s.local()
    stretched = s.node("ShaderNodeMapping", {"Vector": where, "Scale": (1.2, 1.2, 0.12)})
    streaks = s.noise(1.5, stretched.outputs[0], 5.0)
    colour = s.vary(s.property("tint"), streaks, 0.22)
    height = s.node("ShaderNodeSeparateXYZ", {0: where}).outputs["Z"]
    damp = s.math("MULTIPLY", s.ramp(height, 1.4, 0.0), s.noise(1.0, where))
    s.paint(s.mix(s.math("MULTIPLY", damp, 0.8), colour, s.rgb((0.12, 0.11, 0.1))))
    s.bump(s.noise(25.0, where), 0.25, 0.01)
    return s


def _lined(name: str, class_name: str, pitch: float, axis: str, rough: float = 0.75) -> Surface:
    """Boards, sheet ribs or tiles: a shadow line every `pitch` metres along an axis."""
    s = Surface(name, class_name, rough)
    where = s.local() if axis == "Z" else s.wall()
    value = s.node("ShaderNodeSeparateXYZ", {0: where}).outputs[axis]
    phase = s.math("FRACT", s.math("DIVIDE", value, pitch))
    colour = s.vary(s.property("tint"), s.noise(1.3, s.local(), 4.0), 0.25)
    gap = s.math("MULTIPLY", s.ramp(phase, 0.16, 0.04), 0.6)
    s.paint(s.mix(gap, colour, s.rgb((0.02, 0.02, 0.02))))
    s.bump(phase, 0.5, 0.02)
    return s


def _roof() -> Surface:
    """Roof tiles in rows."""
    s = Surface("roof", "building", 0.85)
    value = s.node("ShaderNodeSeparateXYZ", {0: s.local()}).outputs["Z"]
    phase = s.math("FRACT", s.math("DIVIDE", value, 0.17))
    colour = s.vary(s.property("roof"), s.noise(1.6, s.local(), 6.0), 0.45)
    s.paint(s.mix(s.math("MULTIPLY", s.ramp(phase, 0.3, 0.0), 0.5), colour, s.rgb((0.02,) * 3)))
    s.bump(phase, 0.6, 0.03)
    return s


def _window() -> Surface:
    """Opaque window glass: dark rooms, some with bright curtains, a mirror-like coat."""
    s = Surface("window", "building", 0.06)
    where = s.node("ShaderNodeVectorMath", {0: s.local(), 1: (0.55,) * 3}, operation="MULTIPLY")
    cell = s.node("ShaderNodeVectorMath", {0: where.outputs[0]}, operation="FLOOR").outputs[0]
    lit = s.ramp(s.node("ShaderNodeTexWhiteNoise", {"Vector": cell}).outputs[0], 0.62, 1.0)
    s.paint(s.mix(lit, s.rgb((0.012, 0.016, 0.02)), s.rgb((0.32, 0.3, 0.26))))
    s.set("Specular IOR Level", 0.9)
    return s


def _foliage() -> Surface:
    """Leaves: the object's green, varying from leaf to leaf and across the crown."""
    s = Surface("leaves", "vegetation", 0.6)
    where = s.position()
    colour = s.vary(s.property("tint"), s.noise(0.9, where, 0.0), 0.45)
    colour = s.vary(colour, s.noise(9.0, where, 0.0), 0.45)
    s.paint(colour)
    s.set("Specular IOR Level", 0.15)
    through = s.node("ShaderNodeBsdfTranslucent", {"Color": colour}).outputs[0]
    blend = {0: 0.4, 1: s.shader.outputs[0], 2: through}
    leaf = s.node("ShaderNodeMixShader", blend).outputs[0]
    s.tree.links.new(leaf, s.tree.nodes["Material Output"].inputs["Surface"])
    return s


def _grass() -> Surface:
    """Meadow: blades as fine noise, dry and bare patches."""
    s = Surface("grass", "terrain", 0.95)
    where = s.position()
    dry = s.ramp(s.noise(0.09, where, 4.0), 0.45, 0.7)
    colour = s.mix(dry, s.property("grass"), s.property("dry"))
    colour = s.vary(colour, s.noise(1.1, where, 2.0), 0.35)
    blades = s.noise(14.0, where, 1.0)
    s.paint(s.vary(colour, blades, 0.6))
    s.bump(blades, 0.8, 0.05)
    s.set("Specular IOR Level", 0.1)
    return s


def _bark() -> Surface:
    """Furrowed bark."""
    s = Surface("bark", "vegetation", 0.95)
    stretched = s.node("ShaderNodeMapping", {"Vector": s.local(), "Scale": (6, 6, 1)}).outputs[0]
    furrows = s.noise(2.0, stretched, 4.0)
    s.paint(s.vary(s.rgb((0.085, 0.062, 0.045)), furrows, 0.6))
    s.bump(furrows, 0.8, 0.03)
    return s


def _car_paint() -> Surface:
    """Lacquered paint in the object's colour."""
    s = Surface("car_paint", "vehicle", 0.35)
    s.paint(s.property("tint"))
    s.set("Metallic", 0.25)
    s.set("Coat Weight", 0.9)
    s.set("Coat Roughness", 0.04)
    return s


def _vehicle_surfaces() -> list[Surface]:
    glass = _plain("car_glass", "vehicle", (0.008, 0.01, 0.012), 0.03, Specular_IOR_Level=0.8)
    return [
        _car_paint(),
        glass,
        _tinted("cargo", "vehicle", "accent", 0.5, 0.2),
        _plain("tyre", "vehicle", (0.012, 0.012, 0.012), 0.85),
        _plain("rim", "vehicle", (0.42, 0.43, 0.45), 0.3, Metallic=0.9),
        _plain("plastic", "vehicle", (0.014, 0.014, 0.015), 0.55),
        _plain("plate", "vehicle", (0.7, 0.7, 0.66), 0.5),
        _plain("chrome", "vehicle", (0.6, 0.6, 0.62), 0.15, Metallic=1.0),
        _plain("headlight", "vehicle", (0.75, 0.77, 0.8), 0.08, Metallic=0.5),
        _emissive("taillight", "vehicle", (0.4, 0.008, 0.006), 0.1),
        _plain("indicator", "vehicle", (0.7, 0.22, 0.02), 0.2),
    ]


def _person_surfaces() -> list[Surface]:
    cloth = [_tinted(name, "person", name, 0.9, 0.3) for name in ("shirt", "trousers", "bag")]
    body = [_tinted("skin", "person", "skin", 0.5, 0.08), _tinted("hair", "person", "hair", 0.55)]
    return [*cloth, *body, _plain("shoes", "person", (0.03, 0.025, 0.02), 0.6)]


def _building_surfaces() -> list[Surface]:
    return [
        _brick(),
        _plaster(),
        _lined("siding", "building", 0.2, "Z"),
        _lined("sheet", "building", 0.35, "X", 0.45),
        _roof(),
        _window(),
        _plain("flat_roof", "building", (0.12, 0.12, 0.115), 0.95),
        _plain("stone", "building", (0.36, 0.34, 0.3), 0.85),
        _plain("frame_white", "building", (0.66, 0.66, 0.63), 0.5),
        _plain("frame_dark", "building", (0.035, 0.036, 0.04), 0.4),
        _tinted("accent", "building", "accent", 0.6),
    ]


def _furniture_surfaces() -> list[Surface]:
    return [
        _plain("steel", "pole", (0.24, 0.25, 0.26), 0.45, Metallic=0.6),
        _plain("dark_steel", "pole", (0.03, 0.036, 0.034), 0.45, Metallic=0.3),
        _plain("timber", "pole", (0.13, 0.085, 0.055), 0.9),
        _plain("lamp", "pole", (0.7, 0.7, 0.66), 0.3),
        _plain("sign_back", "sign", (0.32, 0.33, 0.34), 0.5, Metallic=0.5),
        _plain("sign_white", "sign", (0.8, 0.8, 0.78), 0.4),
        _plain("sign_red", "sign", (0.6, 0.012, 0.015), 0.4),
        _plain("sign_blue", "sign", (0.01, 0.09, 0.45), 0.4),
        _plain("sign_green", "sign", (0.005, 0.17, 0.075), 0.4),
        _plain("sign_yellow", "sign", (0.85, 0.5, 0.01), 0.4),
        _plain("sign_black", "sign", (0.01, 0.01, 0.01), 0.4),
        _emissive("signal_red", "sign", (1.0, 0.03, 0.01), 6.0),
        _emissive("signal_amber", "sign", (1.0, 0.4, 0.01), 4.0),
        _emissive("signal_green", "sign", (0.02, 0.9, 0.35), 5.0),
        _plain("rail", "fence", (0.36, 0.37, 0.38), 0.4, Metallic=0.8),
        _plain("barrier", "fence", (0.36, 0.35, 0.33), 0.9),
        _lined("boards", "fence", 0.16, "X", 0.85),
        _tinted("garden_wall", "fence", "tint", 0.9, 0.4),
        _tinted("railing", "fence", "accent", 0.5),
        _plain("bin", "void", (0.02, 0.05, 0.035), 0.5),
        _plain("bench", "void", (0.2, 0.11, 0.05), 0.7),
        _plain("hydrant", "void", (0.45, 0.03, 0.02), 0.5),
    ]


def _ground_surfaces() -> list[Surface]:
    return [
        _asphalt(),
        _marking("white_line", (0.72, 0.72, 0.7)),
        _marking("yellow_line", (0.72, 0.42, 0.05)),
        _plain("manhole", "road", (0.035, 0.033, 0.03), 0.6, Metallic=0.5),
        _paving(),
        _plain("kerb", "sidewalk", (0.34, 0.33, 0.31), 0.9),
        _grass(),
        _foliage(),
        _bark(),
    ]


def all_materials() -> dict[str, bpy.types.Material]:
    """Every material by name."""
    groups: list[Callable[[], list[Surface]]] = [
        _ground_surfaces,
        _building_surfaces,
        _furniture_surfaces,
        _vehicle_surfaces,
        _person_surfaces,
    ]
    return {s.material.name: s.material for group in groups for s in group()}
