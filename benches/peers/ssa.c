// Hand-written SIMD C: Gillespie's direct method, float32, lanes are trajectories, a finished lane is refilled.
// Built by compare.py with g++ -x c++ -O3 -march=native; one thread. Every function answers the number of events.
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#ifdef __AVX512F__
#define VW 16
#else
#define VW 8
#endif
typedef float vf __attribute__((vector_size(4 * VW)));
typedef int32_t vi __attribute__((vector_size(4 * VW)));
typedef uint32_t vu __attribute__((vector_size(4 * VW)));
#define UNROLL_(x) _Pragma(#x)
#define UNROLL(n) UNROLL_(GCC unroll n)
#define INL static inline __attribute__((always_inline))

INL vf splat(float a) { vf r; for (int i = 0; i < VW; i++) r[i] = a; return r; }
INL vf cvt_i(vi a) { return __builtin_convertvector(a, vf); }

// xoshiro128++, one stream a lane
INL uint64_t splitmix(uint64_t *s) { uint64_t z = (*s += 0x9e3779b97f4a7c15ull); z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull; z = (z ^ (z >> 27)) * 0x94d049bb133111ebull; return z ^ (z >> 31); }
typedef struct { vu s0, s1, s2, s3; } rng_t;
INL void rng_init(rng_t *g, uint64_t seed, uint64_t id0) {
    for (int l = 0; l < VW; l++) { uint64_t t = seed * 0x9e3779b97f4a7c15ull + (id0 + l) * 0xd1342543de82ef95ull + 1; uint64_t a = splitmix(&t), b = splitmix(&t);
        g->s0[l] = (uint32_t)a; g->s1[l] = (uint32_t)(a >> 32); g->s2[l] = (uint32_t)b; g->s3[l] = (uint32_t)(b >> 32); }
}
#define ROTL(x, k) (((x) << (k)) | ((x) >> (32 - (k))))
INL vu next1(rng_t *g) {
    vu r = ROTL(g->s0 + g->s3, 7) + g->s0, t = g->s1 << 9;
    g->s2 ^= g->s0; g->s3 ^= g->s1; g->s1 ^= g->s2; g->s0 ^= g->s3; g->s2 ^= t; g->s3 = ROTL(g->s3, 11); return r;
}
INL void next4(rng_t *g, vu o[4]) { for (int i = 0; i < 4; i++) o[i] = next1(g); }

// -ln by a minimax polynomial, error below 4e-8
#define LOGC0 9.999998146e-01f
#define LOGC1 -5.000066549e-01f
#define LOGC2 3.333617835e-01f
#define LOGC3 -2.495940644e-01f
#define LOGC4 1.987312164e-01f
#define LOGC5 -1.733292129e-01f
#define LOGC6 1.641944270e-01f
#define LOGC7 -1.010314077e-01f
// uniform in (0,1]: 31 bits kept, smallest 2^-32
INL vf uni(vu r) { return cvt_i((vi)(r >> 1)) * splat(0x1p-31f) + splat(0x1p-32f); }

// -ln(u) for u in (0,1]; m in [sqrt(1/2), sqrt 2), minimax polynomial of log1p(f)/f
INL vf neglog(vf u) {
    vi b = (vi)u - 0x3f3504f3; vi e = b >> 23; vf m = (vf)((b & 0x7fffff) + 0x3f3504f3); vf f = m - 1.0f;
    vf p = splat(LOGC7);
    p = p * f + LOGC6; p = p * f + LOGC5; p = p * f + LOGC4; p = p * f + LOGC3; p = p * f + LOGC2; p = p * f + LOGC1; p = p * f + LOGC0;
    return cvt_i(e) * splat(-0.69314718056f) - p * f;
}

INL int movemask(vi m) {
#if VW == 16
    return _mm512_movepi32_mask((__m512i)m);
#else
    return _mm256_movemask_ps((__m256)m);
#endif
}
#if VW == 16
INL vf lut3(vi s, vf t) { return (vf)_mm512_permutexvar_ps((__m512i)s, (__m512)t); }
#else
INL vf lut3(vi s, vf t) { return (vf)_mm256_permutevar8x32_ps((__m256)t, (__m256i)s); }
#endif

extern "C" {
// triangle: per-state forward and backward rates (general tables), net count per edge
long g1(long n, float T, const float kf[3], const float kb[3], uint64_t seed, int32_t *e0, int32_t *e1, int32_t *e2) {
    long total = 0; int nch = (int)((n + 4095) / 4096);
    for (int ch = 0; ch < nch; ch++) {
        long lo = ch * 4096l, hi = lo + 4096 < n ? lo + 4096 : n, next = lo; long ev = 0;
        rng_t g[2]; vf t[2]; vi s[2], c[2][3]; long id[2][VW]; vf tR = splat(0), tK = splat(0);
        for (int i = 0; i < 3; i++) { tR[i] = 1 / (kf[i] + kb[i]); tK[i] = kf[i] / (kf[i] + kb[i]); }
        for (int b = 0; b < 2; b++) { rng_init(&g[b], seed, ch * 64l + b * VW); t[b] = splat(0); s[b] = (vi){0}; for (int i = 0; i < 3; i++) c[b][i] = (vi){0};
            for (int l = 0; l < VW; l++) { id[b][l] = next < hi ? next++ : -1; if (id[b][l] < 0) t[b][l] = INFINITY; } }
        long live = 0; for (int b = 0; b < 2; b++) for (int l = 0; l < VW; l++) live += id[b][l] >= 0;
        while (live) {
            for (int rep = 0; rep < 4; rep++)
            UNROLL(2)
            for (int b = 0; b < 2; b++) {
                vu w[4]; next4(&g[b], w);
                UNROLL(2)
                for (int j = 0; j < 2; j++) {
                    t[b] += neglog(uni(w[2 * j])) * lut3(s[b], tR);
                    vi act = t[b] < T, fwd = uni(w[2 * j + 1]) < lut3(s[b], tK);
                    vi dn = s[b] == 0 ? (vi){0} + 2 : s[b] - 1, up = s[b] == 2 ? (vi){0} : s[b] + 1;
                    vi e = fwd ? s[b] : dn, d = (fwd ? (vi){0} + 1 : (vi){0} - 1) & act;
                    c[b][0] += e == 0 ? d : (vi){0}; c[b][1] += e == 1 ? d : (vi){0}; c[b][2] += e == 2 ? d : (vi){0};
                    s[b] = act ? (fwd ? up : dn) : s[b]; ev += __builtin_popcount(movemask(act));
                }
            }
            for (int b = 0; b < 2; b++) {
                int m = movemask(t[b] >= T);
                while (m) { int l = __builtin_ctz(m); m &= m - 1; if (id[b][l] < 0) continue;
                    long i = id[b][l]; e0[i] = c[b][0][l]; e1[i] = c[b][1][l]; e2[i] = c[b][2][l];
                    c[b][0][l] = c[b][1][l] = c[b][2][l] = 0; s[b][l] = 0;
                    if (next < hi) { id[b][l] = next++; t[b][l] = 0; } else { id[b][l] = -1; t[b][l] = INFINITY; live--; } }
            }
        }
        total += ev;
    }
    return total;
}

// birth and death: X -> 2 X, X -> 0
#define G2BODY(NAME, PROP, UPD)                                                                                              \
long NAME(long n, float T, float k1, float k2, int x0, uint64_t seed, int32_t *ox) {                                          \
    long total = 0; int nch = (int)((n + 4095) / 4096);                                                                        \
    for (int ch = 0; ch < nch; ch++) {                                                                                         \
        long lo = ch * 4096l, hi = lo + 4096 < n ? lo + 4096 : n, next = lo; long ev = 0; const float fx0 = x0; (void)fx0;       \
        rng_t g[2]; vf t[2], x[2]; long id[2][VW]; long live = 0;                                                              \
        for (int b = 0; b < 2; b++) { rng_init(&g[b], seed, ch * 64l + b * VW); t[b] = splat(0); x[b] = splat(fx0);             \
            for (int l = 0; l < VW; l++) { id[b][l] = next < hi ? next++ : -1; if (id[b][l] < 0) t[b][l] = INFINITY; else live++; } } \
        while (live) {                                                                                                         \
            for (int rep = 0; rep < 4; rep++)                                                                                  \
            for (int b = 0; b < 2; b++) {                                                                                      \
                vu w[4]; next4(&g[b], w);                                                                                      \
                for (int j = 0; j < 2; j++) {                                                                                  \
                    vf X = x[b], a1, a2; PROP; vf tot = a1 + a2;                                                               \
                    t[b] += neglog(uni(w[2 * j])) / tot; vi act = t[b] < T, one = uni(w[2 * j + 1]) * tot < a1;                  \
                    vf X1 = one ? X + (UPD) : X - (UPD); x[b] = act ? X1 : X; ev += __builtin_popcount(movemask(act));           \
                }                                                                                                              \
            }                                                                                                                  \
            for (int b = 0; b < 2; b++) {                                                                                      \
                int m = movemask(~(t[b] < T));                                                                                  \
                while (m) { int l = __builtin_ctz(m); m &= m - 1; if (id[b][l] < 0) continue; ox[id[b][l]] = (int32_t)x[b][l];    \
                    if (next < hi) { id[b][l] = next++; t[b][l] = 0; x[b][l] = fx0; } else { id[b][l] = -1; t[b][l] = INFINITY; live--; } } \
            }                                                                                                                  \
        }                                                                                                                      \
        total += ev;                                                                                                           \
    }                                                                                                                          \
    return total;                                                                                                              \
}
G2BODY(g2a, a1 = k1 * X; a2 = k2 * X, 1.0f)

// Michaelis-Menten S+E <-> SE -> P+E ; ox = S at T, op = P at T
long g3mm(long n, float T, float c1, float c2, float c3, int S0, int E0, uint64_t seed, int32_t *oS, int32_t *oP) {
    long total = 0; int nch = (int)((n + 1023) / 1024);
    for (int ch = 0; ch < nch; ch++) {
        long lo = ch * 1024l, hi = lo + 1024 < n ? lo + 1024 : n, next = lo; long ev = 0;
        rng_t g[2]; vf t[2], S[2], E[2], C[2], P[2]; long id[2][VW], live = 0;
        for (int b = 0; b < 2; b++) { rng_init(&g[b], seed, ch * 64l + b * VW); t[b] = splat(0); S[b] = splat(S0); E[b] = splat(E0); C[b] = P[b] = splat(0);
            for (int l = 0; l < VW; l++) { id[b][l] = next < hi ? next++ : -1; if (id[b][l] < 0) t[b][l] = INFINITY; else live++; } }
        while (live) {
            for (int rep = 0; rep < 4; rep++)
            for (int b = 0; b < 2; b++) {
                vu w[4]; next4(&g[b], w);
                for (int j = 0; j < 2; j++) {
                    vf a1 = c1 * S[b] * E[b], a2 = c2 * C[b], a3 = c3 * C[b], s2 = a1 + a2, tot = s2 + a3;
                    t[b] += neglog(uni(w[2 * j])) / tot; vi act = t[b] < T; vf u = uni(w[2 * j + 1]) * tot; vi m1 = u < a1, m2 = u < s2;
                    vf z = splat(0), o = splat(1), dS = m1 ? -o : (m2 ? o : z), dC = m1 ? o : -o, dP = m2 ? z : o;
                    S[b] += act ? dS : z; C[b] += act ? dC : z; E[b] -= act ? dC : z; P[b] += act ? dP : z; ev += __builtin_popcount(movemask(act));
                }
            }
            for (int b = 0; b < 2; b++) {
                int m = movemask(~(t[b] < T));
                while (m) { int l = __builtin_ctz(m); m &= m - 1; if (id[b][l] < 0) continue; oS[id[b][l]] = (int32_t)S[b][l]; oP[id[b][l]] = (int32_t)P[b][l];
                    if (next < hi) { id[b][l] = next++; t[b][l] = 0; S[b][l] = S0; E[b][l] = E0; C[b][l] = P[b][l] = 0; } else { id[b][l] = -1; t[b][l] = INFINITY; live--; } }
            }
        }
        total += ev;
    }
    return total;
}

// Vilar oscillator: 9 species, 16 reactions, ngrid samples of A and R at spacing dtg (out[i*ngrid+j])
enum { Da, Dr, Dpa, Dpr, Ma, Mr, A, R, C, NS };
long g3v(long n, int ngrid, float dtg, const float k[15], uint64_t seed, int32_t *oA, int32_t *oR) {
    const float alA = k[0], alpA = k[1], alR = k[2], alpR = k[3], beA = k[4], beR = k[5], dMA = k[6], dMR = k[7], dA = k[8], dR = k[9], gA = k[10], gR = k[11], gC = k[12], thA = k[13], thR = k[14];
    long total = 0; const int CH = 2 * VW; int nch = (int)((n + CH - 1) / CH);
    for (int ch = 0; ch < nch; ch++) {
        long lo = (long)ch * CH, hi = lo + CH < n ? lo + CH : n, ev = 0;
        rng_t g[2]; vf t[2], X[2][NS]; int gi[2][VW], live = 0;
        for (int b = 0; b < 2; b++) { rng_init(&g[b], seed, lo + b * VW); t[b] = splat(0); for (int s = 0; s < NS; s++) X[b][s] = splat(s == Da || s == Dr ? 1 : 0);
            for (int l = 0; l < VW; l++) { gi[b][l] = 0; if (lo + b * VW + l < hi) live++; else t[b][l] = -INFINITY; } }
        while (live) {
            UNROLL(2)
            for (int b = 0; b < 2; b++) {
                vu w[4]; next4(&g[b], w); vf *x = X[b];
                UNROLL(2)
                for (int j = 0; j < 2; j++) {
                    vf a0 = gA * x[Da] * x[A], a1 = gR * x[Dr] * x[A], a2 = thA * x[Dpa], a3 = thR * x[Dpr], a4 = alA * x[Da], a5 = alR * x[Dr], a6 = alpA * x[Dpa], a7 = alpR * x[Dpr],
                       a8 = beA * x[Ma], a9 = beR * x[Mr], a10 = gC * x[A] * x[R], a11 = dA * x[C], a12 = dMA * x[Ma], a13 = dMR * x[Mr], a14 = dA * x[A], a15 = dR * x[R];
                    a1 += a0; a2 += a1; a3 += a2; a4 += a3; a5 += a4; a6 += a5; a7 += a6; a8 += a7; a9 += a8; a10 += a9; a11 += a10; a12 += a11; a13 += a12; a14 += a13; a15 += a14;
                    vf tau = neglog(uni(w[2 * j])) / a15, tn = t[b] + tau; vf u = uni(w[2 * j + 1]) * a15;
                    vi over = tn >= dtg; int mo = movemask(over);
                    if (__builtin_expect(mo != 0, 0)) {                 // a lane passes a sampling point: record the state before the event
                        while (mo) { int l = __builtin_ctz(mo); mo &= mo - 1; long i = lo + b * VW + l;
                            while (tn[l] >= dtg && gi[b][l] < ngrid) { oA[i * ngrid + gi[b][l]] = (int32_t)x[A][l]; oR[i * ngrid + gi[b][l]] = (int32_t)x[R][l]; gi[b][l]++; tn[l] -= dtg; }
                            if (gi[b][l] == ngrid) { live--; tn[l] = -INFINITY; } }
                    }
                    ev += __builtin_popcount(movemask(tn >= 0.0f));
                    t[b] = tn;
                    const vf z = splat(0), o = splat(1);
#define LT(c) (u < (c))
                    vi l0 = LT(a0), l1 = LT(a1), l2 = LT(a2), l3 = LT(a3), l4 = LT(a4), l5 = LT(a5), l6 = LT(a6), l7 = LT(a7), l8 = LT(a8), l9 = LT(a9), l10 = LT(a10), l11 = LT(a11), l12 = LT(a12), l13 = LT(a13), l14 = LT(a14);
#define ADD(s, m) x[s] += (m) ? o : z
#define SUB(s, m) x[s] -= (m) ? o : z
                    vi m1 = l1 & ~l0, m2 = l2 & ~l1, m3 = l3 & ~l2, m4 = l4 & ~l3, m5 = l5 & ~l4, m6 = l6 & ~l5, m7 = l7 & ~l6, m8 = l8 & ~l7, m9 = l9 & ~l8, m10 = l10 & ~l9, m11 = l11 & ~l10, m12 = l12 & ~l11, m13 = l13 & ~l12, m14 = l14 & ~l13, m15 = ~l14;
                    SUB(Da, l0); ADD(Dpa, l0); ADD(Da, m2); SUB(Dpa, m2); SUB(Dr, m1); ADD(Dpr, m1); ADD(Dr, m3); SUB(Dpr, m3);
                    ADD(Ma, m4 | m6); SUB(Ma, m12); ADD(Mr, m5 | m7); SUB(Mr, m13);
                    ADD(A, m2 | m3 | m8); SUB(A, l1 | m10 | m14); ADD(R, m9 | m11); SUB(R, m10 | m15); ADD(C, m10); SUB(C, m11);
                }
            }
        }
        total += ev;
    }
    return total;
}
}
