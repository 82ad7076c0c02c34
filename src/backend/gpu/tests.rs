//! What a device computes, piece by piece, against the native code.

use super::compose::{self, Composition, FRAGMENTS, Fragment};
use super::device::{Device, Selection, adapters};
use crate::backend::BackendError;
use crate::expression::{FUNCTIONS, Function, Graph, Scope, Slots, Symbol, compile, wgsl};
use crate::maths::box_muller;
use crate::random::{Draws, Purpose, philox};

/// Any device, hardware first; `None` (and a word on it) where there is none and none is required.
fn device() -> Option<Device> {
    let Some(adapter) = adapters().into_iter().min_by_key(|a| (!a.kind.is_hardware(), a.index)) else {
        assert!(std::env::var_os("NESS_REQUIRE_GPU").is_none(), "NESS_REQUIRE_GPU is set, and there is no device");
        eprintln!("skipped: no device runs shaders");
        return None;
    };
    Some(Device::open(&Selection::Named(adapter.index.to_string())).expect("the device opens"))
}

/// Runs `main`, 64 invocations a workgroup, over words at binding 0, which it replaces.
fn compute(device: &Device, shader: &Composition, words: &[u32]) -> Vec<u32> {
    use wgpu::BufferUsages as Usage;
    let pipeline = device.pipeline(shader, None).expect("the shader compiles");
    let size = 4 * words.len() as u64;
    let make = |usage| device.device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
    let (work, back) = (make(Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC), make(Usage::MAP_READ | Usage::COPY_DST));
    device.queue.write_buffer(&work, 0, bytemuck::cast_slice(words));
    let bindings = device.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: work.as_entire_binding() }],
    });
    let mut encoder = device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bindings, &[]);
        pass.dispatch_workgroups((words.len() as u32).div_ceil(64), 1, 1);
    }
    encoder.copy_buffer_to_buffer(&work, 0, &back, 0, size);
    let submission = device.queue.submit([encoder.finish()]);
    back.slice(..).map_async(wgpu::MapMode::Read, |result| result.expect("the result can be read"));
    device.wait(submission).expect("the device computes");
    let view = back.slice(..).get_mapped_range().expect("the result is there");
    bytemuck::cast_slice(&view).to_vec()
}

fn composed(fragments: &[Fragment], main: &str) -> Composition {
    let mut whole = Composition::default();
    for &fragment in fragments {
        whole.push_fragment(fragment);
    }
    whole.push("test", main);
    whole
}

/// Random words; the first eight are 0, the next eight all ones.
fn words(number: usize, seed: u64) -> Vec<u32> {
    let mut draws = Draws::new(seed, Purpose::Initial, 0);
    let mut words: Vec<u32> = (0..number).map(|_| (draws.uniform() * 2f64.powi(32)) as u32).collect();
    words[..8].fill(0);
    words[8..16].fill(u32::MAX);
    words
}

#[test]
fn philox_has_the_same_bits_on_the_device() {
    let Some(device) = device() else { return };
    let main = "@group(0) @binding(0) var<storage, read_write> words: array<vec4<u32>>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            if (id.x < arrayLength(&words) / 2u) {
                words[2u * id.x] = philox(words[2u * id.x], words[2u * id.x + 1u].xy);
            }
        }";
    let words = words(8 * 500, 3);
    let expected: Vec<u32> = words.chunks_exact(8).flat_map(|w| philox([w[0], w[1], w[2], w[3]], [w[4], w[5]])).collect();
    let first_halves = |words: &[u32]| words.chunks_exact(8).flat_map(|w| w[..4].to_vec()).collect::<Vec<u32>>();
    assert_ne!(first_halves(&words), expected, "a device that does nothing would pass");
    let mut variants = vec![compose::MUL_WIDE_HALVES];
    if device.adapter.wide_integers {
        variants.push(compose::MUL_WIDE_NATIVE);
    }
    for multiply in variants {
        let result = compute(&device, &composed(&[multiply, compose::PHILOX], main), &words);
        assert_eq!(first_halves(&result), expected, "{}", multiply.name);
    }
}

#[test]
fn normals_are_those_of_the_native_code() {
    let Some(device) = device() else { return };
    let main = "@group(0) @binding(0) var<storage, read_write> words: array<vec2<u32>>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            if (id.x < arrayLength(&words)) {
                words[id.x] = bitcast<vec2<u32>>(ness_box_muller(words[id.x].x, words[id.x].y));
            }
        }";
    let words = words(4000, 4);
    let result = compute(&device, &composed(&[compose::MATHS], main), &words);
    assert_eq!(result.len(), words.len());
    for (got, asked) in result.chunks_exact(2).zip(words.chunks_exact(2)) {
        let expected = box_muller::<f32, true>(asked[0], asked[1]);
        for (bits, value) in got.iter().zip([expected.0, expected.1]) {
            let z = f32::from_bits(*bits);
            // Eight units in the last place of the radius, which is at most 6.7.
            assert!((z - value).abs() <= 4e-6, "{asked:?}: {z} against {value}");
        }
    }
}

/// Evaluates a formula of `x` and `y` at points on the device, and by the tree in f64.
fn on_device(device: &Device, text: &str, points: &[[f32; 2]]) -> Vec<(f32, f64)> {
    let mut graph = Graph::new();
    let scope = Scope::new().with("x", Symbol::Coordinate(0)).with("y", Symbol::Coordinate(1));
    let node = graph.parse(text, &scope).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let mut slots = Slots::new();
    let program = compile(&graph, &[node], &mut slots).expect("the formula compiles");
    let constants: Vec<String> = slots.constants(&|_| f64::NAN).iter().map(|value| format!("{:?}f", *value as f32)).collect();
    let table = match constants.len() {
        0 => String::new(),
        number => format!("const constants = array<f32, {number}>({});\n", constants.join(", ")),
    };
    let main = format!(
        "@group(0) @binding(0) var<storage, read_write> words: array<vec2<u32>>;\n{table}{}
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
            if (id.x < arrayLength(&words)) {{
                let point = bitcast<vec2<f32>>(words[id.x]);
                words[id.x].x = bitcast<u32>(formula(array<f32, 2>(point.x, point.y), 0u)[0]);
            }}
        }}",
        wgsl(&program, "formula", 2)
    );
    let words: Vec<u32> = points.iter().flatten().map(|value| value.to_bits()).collect();
    let result = compute(device, &composed(&[compose::MATHS], &main), &words);
    let exact = |point: &[f32; 2]| graph.evaluate(node, &|symbol| f64::from(point[usize::from(symbol == Symbol::Coordinate(1))]));
    result.chunks_exact(2).zip(points).map(|(words, point)| (f32::from_bits(words[0]), exact(point))).collect()
}

#[test]
fn every_function_of_the_table_is_right_on_the_device() {
    let Some(device) = device() else { return };
    let mut draws = Draws::new(11, Purpose::Initial, 0);
    for function in FUNCTIONS {
        let domain = function.domain();
        let mut inside = |argument: usize| domain.get(argument).map_or(0.0, |(low, high)| low + (high - low) * draws.uniform()) as f32;
        let points: Vec<[f32; 2]> = (0..500).map(|_| [inside(0), inside(1)]).collect();
        let text = if function.arity() == 1 { format!("{}(x)", function.name()) } else { format!("{}(x, y)", function.name()) };
        // A zero of tan or log keeps absolute digits only; powers lose |y ln x| units.
        for ((found, exact), point) in on_device(&device, &text, &points).into_iter().zip(&points) {
            let tolerance = if matches!(function, Function::Pow) { 4e-6 } else { 1e-6 } * (1.0 + exact.abs());
            assert!((f64::from(found) - exact).abs() <= tolerance, "{text} at {point:?}: {found} against {exact}");
        }
    }
}

/// A random formula of smooth, bounded parts.
fn random_formula(draws: &mut Draws, depth: u32) -> String {
    let pick = |draws: &mut Draws, number: usize| (draws.uniform() * number as f64) as usize;
    if depth == 0 {
        return match pick(draws, 3) {
            0 => "x".to_owned(),
            1 => "y".to_owned(),
            _ => format!("{:.3}", 4.0 * draws.uniform() - 2.0),
        };
    }
    let [a, b] = [random_formula(draws, depth - 1), random_formula(draws, depth - 1)];
    match pick(draws, 14) {
        0 => format!("({a} + {b})"),
        1 => format!("({a} - {b})"),
        2 => format!("tanh({a})*({b})"),
        3 => format!("({a})/(1 + ({b})^2)"),
        4 => format!("sin({a})"),
        5 => format!("cos({b})"),
        6 => format!("exp(-abs({a}))"),
        7 => format!("log(1 + ({b})^2)"),
        8 => format!("sqrt(1 + ({a})^2)"),
        9 => format!("atan({a}) - {b}"),
        10 => format!("min({a}, {b})"),
        11 => format!("max({a}, {b})"),
        12 => format!("-({a})"),
        _ => format!("if(0.1 < x*x, {a}, {b})"),
    }
}

#[test]
fn random_formulas_are_right_on_the_device() {
    let Some(device) = device() else { return };
    let mut draws = Draws::new(12, Purpose::Initial, 0);
    let mut compared = 0;
    for _ in 0..40 {
        let text = random_formula(&mut draws, 4);
        let points: Vec<[f32; 2]> = (0..64).map(|_| [(4.0 * draws.uniform() - 2.0) as f32, (4.0 * draws.uniform() - 2.0) as f32]).collect();
        for ((found, exact), point) in on_device(&device, &text, &points).into_iter().zip(&points) {
            // Near a jump of a condition single and double precision may be on different sides.
            if (point[0] * point[0] - 0.1).abs() > 1e-3 {
                assert!((f64::from(found) - exact).abs() <= 2e-4 * (1.0 + exact.abs()), "{text} at {point:?}: {found} against {exact}");
                compared += 1;
            }
        }
    }
    assert!(compared > 2000, "{compared}");
}

#[test]
fn the_double_length_sum_keeps_what_single_precision_loses() {
    let Some(device) = device() else { return };
    let main = "@group(0) @binding(0) var<storage, read_write> words: array<u32>;
        struct Dispatch { zero: u32 }
        var<private> dispatch: Dispatch;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            // No compiler can know that this is zero.
            dispatch.zero = words[2];
            if (id.x == 0u) {
                var pair = vec2<f32>(16777216.0, 0.0);
                for (var i = 0; i < 1000; i++) {
                    pair = flush(pair, 0.4375);
                }
                words[0] = bitcast<u32>(pair.x);
                words[1] = bitcast<u32>(pair.y);
            }
        }";
    let words = compute(&device, &composed(&[compose::PATH_SUMS], main), &[0; 4]);
    let sum = f64::from(f32::from_bits(words[0])) + f64::from(f32::from_bits(words[1]));
    assert!((sum - 16_777_653.5).abs() <= 1e-3, "{sum}");
}

/// Counting numbers of a law, one a trajectory.
fn counting_numbers(device: &Device, call: &str) -> Vec<f64> {
    let main = format!(
        "@group(0) @binding(0) var<storage, read_write> words: array<u32>;
        struct Dispatch {{ key_low: u32, key_high: u32 }}
        var<private> dispatch: Dispatch;
        var<private> trajectory: vec2<u32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
            if (id.x < arrayLength(&words)) {{
                dispatch.key_low = 7u;
                trajectory = vec2<u32>(id.x, 0u);
                start_draws(0xb000000u, 3u, 0u);
                words[id.x] = bitcast<u32>({call});
            }}
        }}"
    );
    let shader = composed(&[compose::MATHS, compose::MUL_WIDE_HALVES, compose::PHILOX, compose::COUNTING_LAWS], &main);
    compute(device, &shader, &vec![0; 40_000]).into_iter().map(|bits| f64::from(f32::from_bits(bits))).collect()
}

#[test]
fn poisson_and_binomial_numbers_have_their_moments() {
    let Some(device) = device() else { return };
    let mut laws = Vec::new();
    for mean in [0.3, 4.0, 9.99, 10.0, 37.5, 1e4, 3e6] {
        laws.push((format!("poisson({mean:?}f)"), mean, mean, 1.0 / mean));
    }
    for (count, part) in [(7.0, 0.4), (40.0, 0.05), (30.0, 0.5), (200.0, 0.9), (1e4, 0.3), (3e6, 1e-6), (3e6, 0.75), (1e7, 4e-6)] {
        let variance = count * part * (1.0 - part);
        let excess = (1.0 - 6.0 * part * (1.0 - part)) / variance;
        laws.push((format!("binomial({count:?}f, {part:?}f)"), count * part, variance, excess));
    }
    for (call, mean, variance, excess) in laws {
        let numbers = counting_numbers(&device, &call);
        let n = numbers.len() as f64;
        assert!(numbers.iter().all(|k| *k >= 0.0 && k.fract() == 0.0), "{call}");
        let found = numbers.iter().sum::<f64>() / n;
        let spread = numbers.iter().map(|k| (k - mean).powi(2)).sum::<f64>() / n;
        // The mean itself has single precision.
        let z = (found - mean) / ((variance / n).sqrt() + 1e-7 * mean);
        let z_spread = (spread / variance - 1.0) / ((2.0 + excess) / n).sqrt();
        assert!(z.abs() <= 4.5 && z_spread.abs() <= 4.5, "{call}: mean {found} of {mean} (z {z}), variance {spread} of {variance} (z {z_spread})");
    }
    let wrong = counting_numbers(&device, "poisson(37.9f)").iter().sum::<f64>() / 40_000.0;
    assert!((wrong - 37.5).abs() > 4.5 * (37.5f64 / 40_000.0).sqrt(), "the comparison takes anything");
}

#[test]
fn a_broken_shader_is_reported_with_its_place() {
    let Some(device) = device() else { return };
    let broken = composed(&[compose::MUL_WIDE_HALVES, compose::PHILOX], "\n@compute @workgroup_size(64) fn main() {\n    let x = nonsense;\n}\n");
    let Err(BackendError::Shader { message, .. }) = device.pipeline(&broken, None) else { panic!("a broken shader was taken") };
    assert!(message.contains("test, line 3") && message.contains("nonsense"), "{message}");
    let broken = composed(&[Fragment { name: "shaders/one.wgsl", text: "const A: u32 = 1u;\n" }], "fn main() {}");
    assert!(matches!(device.pipeline(&broken, None), Err(BackendError::Shader { .. })), "a shader without entry point was taken");
}

/// Fragments that a fragment says it needs, each once, itself last.
fn with_needs<'a>(fragment: &'a Fragment, all: &mut Vec<&'a Fragment>) {
    for line in fragment.text.lines().filter_map(|line| line.strip_prefix("// Needs: ")) {
        for name in line.split_whitespace() {
            let needed = FRAGMENTS.iter().find(|f| f.name == format!("shaders/{name}")).unwrap_or_else(|| panic!("{}: no fragment {name}", fragment.name));
            with_needs(needed, all);
        }
    }
    if !all.iter().any(|f| f.name == fragment.name) {
        all.push(fragment);
    }
}

#[test]
fn every_fragment_parses_with_what_it_names_and_is_short() {
    // What is written for each plan, in its smallest form.
    let sizes = "const WORKGROUP: u32 = 64u; const TILE: u32 = 64u; const TILES: u32 = 1u; const FLUSH_EVERY: u32 = 64u;
        const SERIES: u32 = 1u; const OBSERVABLES: u32 = 1u; const FIELDS: u32 = 1u; const FIELD_ROW: u32 = 3u; const PLANE_CELLS: u32 = 5u; const PLANE_BLOCKS: u32 = 1u;\n";
    let written = "fn load(place: u32) {} fn store(place: u32) {} fn start_measuring(place: u32) {} fn evaluate_forces(row: u32) {}
        fn draw(quartet: u32) {} fn step(row: u32, n: u32) {} fn flush_sums() {} fn save(place: u32, lane: u32, group: u32, number: u32) {}\n";
    for fragment in FRAGMENTS {
        let mut parts = Vec::new();
        with_needs(fragment, &mut parts);
        let text: String = parts.iter().map(|f| f.text).collect();
        let text = if fragment.name.ends_with("kernel.wgsl") { format!("{sizes}{written}{text}") } else { format!("{sizes}{text}") };
        assert!(naga::front::wgsl::parse_str(&text).is_ok(), "{}: {:?}", fragment.name, naga::front::wgsl::parse_str(&text).err());
        assert!(fragment.text.lines().count() < 200, "{} is too long", fragment.name);
    }
    assert!(naga::front::wgsl::parse_str("fn f() -> u32 { return nonsense; }").is_err(), "the parser takes anything");
}
