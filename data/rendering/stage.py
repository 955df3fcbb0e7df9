"""The Blender scene: puts layouts and frames into it, sets camera, sun, sky and haze."""

import bpy
import numpy as np
from assets import Library
from frame_files import HEIGHT, WIDTH
from frames import Camera, Frame, Light
from ground import ground_mesh, terrain_height
from materials import NORMAL_OUTPUT
from mathutils import Matrix
from streets import GROUND, Layout, Placement

SAMPLES = 24
MIST_REACH = 400.0
CLIP_END = 2000.0


class Stage:
    """One Blender scene that shows one frame of one layout at a time."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.scene = bpy.context.scene
        self.layer = self.scene.view_layers[0]
        self._static: list[bpy.types.Object] = []
        self._moving: list[bpy.types.Object] = []
        self._ground: bpy.types.Mesh | None = None
        camera = bpy.data.cameras.new("camera")
        sun = bpy.data.lights.new("sun", "SUN")
        self.camera = bpy.data.objects.new("camera", camera)
        self.sun = bpy.data.objects.new("sun", sun)
        for thing in (self.camera, self.sun):
            self.scene.collection.objects.link(thing)
        self.scene.camera = self.camera
        _set_up_passes(self.scene, self.layer)
        self.sky = Sky(self.scene)
        self.haze = Haze(self.scene)

    def show_layout(self, layout: Layout) -> None:
        """Replace everything that stands still."""
        self._remove(self._static + self._moving)
        self._moving = []
        if self._ground is not None:
            bpy.data.meshes.remove(self._ground)
        self._ground = ground_mesh(layout, self.library.materials)
        ground = self._new_object("ground", self._ground, Matrix.Identity(4))
        for name in ("asphalt", "paving", "grass", "dry"):
            ground[name] = getattr(layout, name)
        self._static = [ground]
        spots = np.array([(p.x, p.y) for p in layout.objects])
        levels = terrain_height(layout, spots)
        for number, (placed, level) in enumerate(zip(layout.objects, levels, strict=True)):
            z = float(level) if placed.z == GROUND else placed.z
            self._static.append(self._place(f"static_{number:04d}", placed, z))

    def show_frame(self, frame: Frame) -> None:
        """Replace traffic and people; object index k + 1 is the frame's mover k."""
        self._remove(self._moving)
        self._moving = []
        for number, (_, placed) in enumerate(frame.movers):
            thing = self._place(f"mover_{number:04d}", placed, placed.z)
            thing.pass_index = number + 1
            self._moving.append(thing)
        _aim(self.camera, frame.camera)
        self.sky.set(frame.light)
        self.haze.set(frame.light)
        _shine(self.sun, frame.light)

    def _new_object(self, name: str, mesh: bpy.types.Mesh, world: Matrix) -> bpy.types.Object:
        thing = bpy.data.objects.new(name, mesh)
        thing.matrix_world = world
        self.scene.collection.objects.link(thing)
        return thing

    def _place(self, name: str, placed: Placement, z: float) -> bpy.types.Object:
        world = placement_matrix(placed, z)
        thing = self._new_object(name, self.library.meshes[placed.asset], Matrix(world.tolist()))
        for key, colour in placed.colours.items():
            thing[key] = colour
        return thing

    def _remove(self, things: list[bpy.types.Object]) -> None:
        bpy.data.batch_remove(things)


def placement_matrix(placed: Placement, z: float) -> np.ndarray:
    """The 4 x 4 matrix from mesh to world coordinates."""
    c, s, k = np.cos(placed.turn), np.sin(placed.turn), placed.scale
    return np.array(
        [
            [k * c, -k * s, 0, placed.x],
            [k * s, k * c, 0, placed.y],
            [0, 0, k, z],
            [0, 0, 0, 1],
        ]
    )


def camera_rotation(camera: Camera) -> np.ndarray:
    """Rows: the camera's right, down and forward axes in world coordinates."""
    cy, sy = np.cos(camera.yaw), np.sin(camera.yaw)
    cp, sp = np.cos(camera.pitch), np.sin(camera.pitch)
    forward = np.array([cy * cp, sy * cp, sp])
    right = np.array([sy, -cy, 0.0])
    down = np.cross(forward, right)
    cr, sr = np.cos(camera.roll), np.sin(camera.roll)
    return np.stack([cr * right + sr * down, cr * down - sr * right, forward])


def focal_length(camera: Camera) -> float:
    """Focal length in pixels, the same for x and y."""
    return WIDTH / 2 / np.tan(camera.horizontal_view / 2)


def _aim(thing: bpy.types.Object, camera: Camera) -> None:
    right, down, forward = camera_rotation(camera)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, -down, -forward], 1)
    matrix[:3, 3] = (camera.x, camera.y, camera.height)
    thing.matrix_world = Matrix(matrix.tolist())
    thing.data.sensor_fit = "HORIZONTAL"
    thing.data.angle = camera.horizontal_view
    thing.data.clip_start, thing.data.clip_end = 0.05, CLIP_END


def _shine(thing: bpy.types.Object, light: Light) -> None:
    """Sunlight, warmer when low, weaker and softer under clouds."""
    elevation, azimuth = np.radians(light.elevation), np.radians(light.azimuth)
    towards = np.array(
        [
            np.cos(elevation) * np.sin(azimuth),
            np.cos(elevation) * np.cos(azimuth),
            np.sin(elevation),
        ]
    )
    helper = np.array([0.0, 0.0, 1.0])
    x = np.cross(helper, towards)
    x /= np.linalg.norm(x)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([x, np.cross(towards, x), towards], 1)
    thing.matrix_world = Matrix(matrix.tolist())
    warmth = np.clip((40 - light.elevation) / 30, 0, 1)
    thing.data.color = (1.0, 0.95 - 0.17 * warmth, 0.88 - 0.33 * warmth)
    overcast = light.clouds > 0.6
    thing.data.energy = (0.5 if overcast else 5.4) * (1 - 0.25 * warmth)
    thing.data.angle = np.radians(12.0 if overcast else 0.6)


def _set_up_passes(scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> None:
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH, HEIGHT, 100
    render.threads_mode, render.threads = "FIXED", 1
    render.use_persistent_data = True
    render.film_transparent = False
    layer.use_pass_z = layer.use_pass_mist = True
    layer.use_pass_material_index = layer.use_pass_object_index = True
    output = layer.aovs.add()
    output.name, output.type = NORMAL_OUTPUT, "COLOR"
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.use_adaptive_sampling = False
    cycles.diffuse_bounces, cycles.glossy_bounces, cycles.transmission_bounces = 1, 1, 1
    cycles.use_fast_gi, cycles.fast_gi_method, cycles.ao_bounces_render = True, "REPLACE", 1
    cycles.use_light_tree = False
    cycles.caustics_reflective = cycles.caustics_refractive = False
    scene.view_settings.exposure = 0.45
    cycles.sample_clamp_indirect = 4.0
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_prefilter = "FAST"


class Sky:
    """A Nishita sky with procedural clouds and a hazy horizon."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        world = bpy.data.worlds.new("sky")
        scene.world = world
        world.use_nodes = True
        world.cycles.sampling_method = "MANUAL"
        world.cycles.sample_map_resolution = 128
        world.light_settings.distance = 10.0
        world.mist_settings.start, world.mist_settings.depth = 0.0, MIST_REACH
        world.mist_settings.falloff = "LINEAR"
        self.tree = world.node_tree
        self.air = self._node("ShaderNodeTexSky", sky_type="NISHITA", sun_disc=False)
        self.noise = self._node("ShaderNodeTexNoise", noise_dimensions="4D")
        self.cover = self._node("ShaderNodeMapRange", interpolation_type="SMOOTHSTEP")
        self.mix = self._node("ShaderNodeMix", data_type="RGBA")
        self.horizon = self._node("ShaderNodeMix", data_type="RGBA")
        self.fade = self._node("ShaderNodeMapRange")
        self._connect()

    def _node(self, kind: str, **settings: object) -> bpy.types.Node:
        node = self.tree.nodes.new(kind)
        for name, value in settings.items():
            setattr(node, name, value)
        return node

    def _connect(self) -> None:
        """Cloud noise lives on a plane above the street; the horizon fades into haze."""
        link = self.tree.links.new
        direction = self._node("ShaderNodeTexCoord").outputs["Generated"]
        parts = self._node("ShaderNodeSeparateXYZ")
        link(direction, parts.inputs[0])
        height = self._node("ShaderNodeMath", operation="ADD")
        link(parts.outputs["Z"], height.inputs[0])
        height.inputs[1].default_value = 0.12
        plane = self._node("ShaderNodeVectorMath", operation="DIVIDE")
        link(direction, plane.inputs[0])
        link(height.outputs[0], plane.inputs[1])
        link(plane.outputs[0], self.noise.inputs["Vector"])
        self.noise.inputs["Scale"].default_value = 1.1
        self.noise.inputs["Detail"].default_value = 6.0
        link(self.noise.outputs[0], self.cover.inputs[0])
        link(self.cover.outputs[0], self.mix.inputs[0])
        link(self.air.outputs[0], self.mix.inputs[6])
        link(parts.outputs["Z"], self.fade.inputs[0])
        link(self.fade.outputs[0], self.horizon.inputs[0])
        link(self.mix.outputs[2], self.horizon.inputs[6])
        background = self.tree.nodes["Background"]
        link(self.horizon.outputs[2], background.inputs[0])

    def set(self, light: Light) -> None:
        """Sun position, cloud cover and horizon of one frame."""
        overcast = light.clouds > 0.6
        self.air.sun_elevation = np.radians(light.elevation)
        self.air.sun_rotation = np.radians(light.azimuth)
        self.air.dust_density = light.dust
        self.noise.inputs["W"].default_value = light.cloud_seed
        threshold = 0.7 - 0.45 * light.clouds
        self.cover.inputs[1].default_value = threshold - 0.04
        self.cover.inputs[2].default_value = threshold + (0.35 if overcast else 0.13)
        bright = 2.6 + 3.2 * np.sin(np.radians(light.elevation))
        grey = (0.93, 0.96, 1.0)
        self.mix.inputs[7].default_value = (*(bright * c for c in grey), 1)
        level = 0.85 * bright
        self.horizon.inputs[7].default_value = (*(level * c for c in (0.95, 0.98, 1.0)), 1)
        self.fade.inputs[1].default_value = 0.0
        self.fade.inputs[2].default_value = 0.12 + 12 * light.haze
        self.fade.inputs[3].default_value = min(1.0, 0.15 + 80 * light.haze)
        self.fade.inputs[4].default_value = 0.0
        self.tree.nodes["Background"].inputs[1].default_value = 0.3 if overcast else 0.125


class Haze:
    """A compositor that blends towards the haze colour; the sky counts as 400 m away."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
        layers = tree.nodes.new("CompositorNodeRLayers")
        self.density = tree.nodes.new("CompositorNodeMath")
        self.density.operation = "MULTIPLY"
        power = tree.nodes.new("CompositorNodeMath")
        power.operation = "EXPONENT"
        inverse = tree.nodes.new("CompositorNodeMath")
        inverse.operation = "SUBTRACT"
        inverse.inputs[0].default_value = 1.0
        self.mix = tree.nodes.new("CompositorNodeMixRGB")
        output = tree.nodes.new("CompositorNodeComposite")
        for source, target in (
            (layers.outputs["Mist"], self.density.inputs[0]),
            (self.density.outputs[0], power.inputs[0]),
            (power.outputs[0], inverse.inputs[1]),
            (inverse.outputs[0], self.mix.inputs[0]),
            (layers.outputs["Image"], self.mix.inputs[1]),
            (self.mix.outputs[0], output.inputs[0]),
        ):
            tree.links.new(source, target)

    def set(self, light: Light) -> None:
        """Density and colour of the haze of one frame."""
        self.density.inputs[1].default_value = -light.haze * MIST_REACH
        bright = 0.106 * (2.6 + 3.2 * np.sin(np.radians(light.elevation)))
        level = bright * (2.3 if light.clouds > 0.6 else 1.0)
        self.mix.inputs[2].default_value = (0.95 * level, 0.98 * level, level, 1)
