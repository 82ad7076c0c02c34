// Count, mean and centred second moment of a tile of trajectories, for OBSERVABLES of the SERIES values of a save at once.
//
// Two passes, each in two levels of eight terms: the order of additions is that of the native kernel and does not depend on how many
// tiles a workgroup holds.
// Needs: bindings.wgsl

// Partial sums of a tile: the `s`-th is that of trajectories `s`, `s + 8`, `s + 16`, …
const PARTS: u32 = 8u;
// Trajectories of a tile and a gap, so that the lanes of a warp read from different memory banks.
const ROW: u32 = TILE + 8u;
// Bits of what is not a finite number.
const ABSENT: u32 = 0x7f800000u;

// Bits of the values, [tile][observable][trajectory].
var<workgroup> observed: array<u32, TILES * OBSERVABLES * ROW>;
var<workgroup> part_sums: array<f32, TILES * OBSERVABLES * PARTS>;
var<workgroup> part_counts: array<u32, TILES * OBSERVABLES * PARTS>;
var<workgroup> tile_counts: array<f32, TILES * OBSERVABLES>;
var<workgroup> tile_means: array<f32, TILES * OBSERVABLES>;

fn is_finite(bits: u32) -> bool {
    return (bits & ABSENT) != ABSENT;
}

// Sum and count of every eighth finite value of a row.
fn sum_values(row: u32, part: u32) {
    var sum = 0.0;
    var count = 0u;
    for (var k = 0u; k < TILE; k += PARTS) {
        let bits = observed[row * ROW + k + part];
        let finite = is_finite(bits);
        sum += select(0.0, bitcast<f32>(bits), finite);
        count += select(0u, 1u, finite);
    }
    part_sums[row * PARTS + part] = sum;
    part_counts[row * PARTS + part] = count;
}

// Sum of squared deviations of every eighth finite value of a row.
fn sum_squares(row: u32, part: u32) {
    let mean = tile_means[row];
    var sum = 0.0;
    for (var k = 0u; k < TILE; k += PARTS) {
        let bits = observed[row * ROW + k + part];
        let deviation = bitcast<f32>(bits) - mean;
        sum += select(0.0, deviation * deviation, is_finite(bits));
    }
    part_sums[row * PARTS + part] = sum;
}

fn tile_total(row: u32) -> f32 {
    var sum = 0.0;
    for (var part = 0u; part < PARTS; part++) {
        sum += part_sums[row * PARTS + part];
    }
    return sum;
}

fn find_mean(row: u32) {
    var count = 0u;
    for (var part = 0u; part < PARTS; part++) {
        count += part_counts[row * PARTS + part];
    }
    let number = f32(count);
    tile_counts[row] = number;
    tile_means[row] = tile_total(row) / max(number, 1.0);
}

// All lanes of the workgroup come here after a barrier that follows the writing of `observed`.
// `first` is the place in the series of the first value; those beyond its end are left out.
fn tile_moments(lane: u32, group: u32, save: u32, first: u32) {
    let tile = lane / TILE;
    let within = lane % TILE;
    for (var item = within; item < OBSERVABLES * PARTS; item += TILE) {
        sum_values(tile * OBSERVABLES + item / PARTS, item % PARTS);
    }
    workgroupBarrier();
    if (within < OBSERVABLES) {
        find_mean(tile * OBSERVABLES + within);
    }
    workgroupBarrier();
    for (var item = within; item < OBSERVABLES * PARTS; item += TILE) {
        sum_squares(tile * OBSERVABLES + item / PARTS, item % PARTS);
    }
    workgroupBarrier();
    if (within < min(OBSERVABLES, SERIES - first)) {
        let row = tile * OBSERVABLES + within;
        let at = 3u * (((group * TILES + tile) * dispatch.saves + save) * SERIES + first + within);
        moments[at] = tile_counts[row];
        moments[at + 1u] = tile_means[row];
        moments[at + 2u] = tile_total(row);
    }
}
