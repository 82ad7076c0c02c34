// Advances the trajectories of a chunk by the steps of a dispatch; one lane, one trajectory.
//
// `load`, `store`, `start_measuring`, `evaluate_forces`, `draw`, `step`, `flush_sums`, `save` are written for each plan.
// Needs: bindings.wgsl noise.wgsl philox.wgsl mul_wide_halves.wgsl maths.wgsl

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let low = dispatch.trajectory_low + id.x;
    trajectory = vec2<u32>(low, dispatch.trajectory_high + select(0u, 1u, low < id.x));
    load(id.x);
    var row = dispatch.row;
    if ((dispatch.phase & FORCES_UNKNOWN) != 0u) {
        evaluate_forces(row);
    }
    if ((dispatch.phase & MEASURING_STARTS) != 0u) {
        start_measuring(id.x);
        save(id.x, lane, group.x, 0u);
    }
    // Counted down, since a division every step would cost as much as a simple step.
    var saved = dispatch.first_step / dispatch.save_every;
    var until_save = dispatch.save_every - dispatch.first_step % dispatch.save_every;
    for (var n = dispatch.first_step; n < dispatch.last_step; n++) {
        if (n % 4u == 0u) {
            draw(n / 4u);
        }
        step(row);
        row += dispatch.row_stride;
        if ((n + 1u) % FLUSH_EVERY == 0u) {
            flush_sums();
        }
        until_save -= 1u;
        if (until_save == 0u) {
            until_save = dispatch.save_every;
            saved += 1u;
            save(id.x, lane, group.x, saved);
        }
    }
    store(id.x);
}
