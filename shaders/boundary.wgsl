// What happens at the ends of a coordinate's range.

struct Folded {
    position: f32,
    turns: i32,
}

// Folds a periodic coordinate into [lower, lower + period) and counts the turns.
fn fold(x: f32, lower: f32, period: f32) -> Folded {
    let turns = floor((x - lower) * (1.0 / period));
    let folded = fma(-turns, period, x);
    // Rounding may leave the folded value a hair outside: above is the next turn, below is the lower end. Not a number stays.
    let above = folded >= lower + period;
    let inside = select(select(folded, lower, folded < lower), lower, above);
    return Folded(inside, i32(turns) + select(0, 1, above));
}

struct Reflected {
    position: f32,
    // -1 after an odd number of reflections, else 1.
    sign: f32,
}

// Reflects a coordinate at `lower` and `lower + width`, any number of times.
fn reflect_at_walls(x: f32, lower: f32, width: f32) -> Reflected {
    let offset = x - lower;
    let count = floor(offset * (1.0 / width));
    let odd = count - 2.0 * floor(0.5 * count);
    let rest = fma(-count, width, offset);
    let sign = 1.0 - (odd + odd);
    return Reflected(lower + fma(odd, width, sign * rest), sign);
}
