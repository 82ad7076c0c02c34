//! What is generated is valid WGSL, with and without 64-bit integers: needs no device.

use naga::valid::{Capabilities, ValidationFlags, Validator};
use ness::backend::gpu::{ShaderOptions, shader};
use ness::plan::Plan;

/// Fails unless the shader of a plan parses and is valid.
pub(super) fn is_valid(plan: &Plan) {
    for wide_integers in [false, true] {
        let text = shader(plan, ShaderOptions { workgroup: 64, wide_integers }).expect("the plan has kernels");
        let module = naga::front::wgsl::parse_str(&text).unwrap_or_else(|error| panic!("{}", error.emit_to_string(&text)));
        let validated = Validator::new(ValidationFlags::all(), Capabilities::SHADER_INT64).validate(&module);
        assert!(validated.is_ok(), "{validated:?}");
    }
    let broken = shader(plan, ShaderOptions::default()).expect("the plan has kernels").replace("fn weigh() {", "fn weigh() {\n    x[0] = 1u;");
    let module = naga::front::wgsl::parse_str(&broken);
    assert!(
        module.is_err() || Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module.expect("it parses")).is_err(),
        "anything is valid"
    );
}
