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
    // Nested loops instead of conditions in one: a device that runs both sides of a condition would pay for noise and flushes at every step.
    var saved = dispatch.first_step / dispatch.save_every;
    var next_save = dispatch.first_step + (dispatch.save_every - dispatch.first_step % dispatch.save_every);
    var n = dispatch.first_step;
    while (n < dispatch.last_step) {
        let pause = min(next_save, dispatch.last_step);
        while (n < pause) {
            // The rest of a quartet of steps that share a block of random numbers; a save may have cut it.
            let end = min((n / 4u + 1u) * 4u, pause);
            if (n % 4u == 0u) {
                draw(n / 4u);
            }
            while (n < end) {
                step(row, n);
                row += dispatch.row_stride;
                n += 1u;
            }
            if (n % FLUSH_EVERY == 0u) {
                flush_sums();
            }
        }
        if (n == next_save) {
            next_save += dispatch.save_every;
            saved += 1u;
            save(id.x, lane, group.x, saved);
        }
    }
    store(id.x);
}
