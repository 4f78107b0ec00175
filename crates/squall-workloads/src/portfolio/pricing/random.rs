//! Counter-based random numbers: any number of any path, at once, in any order, on any machine.
//!
//! The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
//! Number `j` of path `i` is a function of (seed, purpose, i, j) and of nothing else, so a job may be cut anywhere.

use pulp::NullaryFnOnce;

use crate::portfolio::pricing::elementary::{ln, sin_cos_turns};

mod chi_squared;
pub mod philox;

/// Paths handled together; any value gives the same numbers.
const CHUNK: usize = 64;
/// Keys of the two hashes that derive stream keys ("squl", "all." and "chi2", "."), so that no two uses share a key.
const STREAM_TAG: [u64; 2] = [0x7371_756c, 0x616c_6c2e];
const SUBSTREAM_TAG: [u64; 2] = [0x6368_6932, 0x2e];
const LOW: u64 = 0xffff_ffff;

/// A family of independent number sequences, one for each path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: [u64; 2],
}

impl Stream {
    /// The stream that `seed` gives for one `purpose` (say, a contract's number). Distinct pairs collide only as
    /// 64-bit hashes do.
    #[must_use]
    pub fn new(seed: u64, purpose: u64) -> Self {
        let hash = philox::block([seed & LOW, seed >> 32, purpose & LOW, purpose >> 32], STREAM_TAG);
        Self { key: [hash[0], hash[1]] }
    }

    /// A stream independent of this one, for draws that consume a varying amount of randomness.
    fn substream(self) -> Self {
        let hash = philox::block([self.key[0], self.key[1], 0, 0], SUBSTREAM_TAG);
        Self { key: [hash[0], hash[1]] }
    }

    /// Uniform number `number` of `path`, strictly between 0 and 1 (multiples of 2^-52, offset by half of one).
    #[inline]
    #[must_use]
    pub fn uniform(&self, path: u64, number: u64) -> f64 {
        let (even, odd) = self.uniform_pair(path, number >> 1);
        if number & 1 == 0 { even } else { odd }
    }

    /// Standard normal number `number` of `path`.
    #[inline]
    #[must_use]
    pub fn normal(&self, path: u64, number: u64) -> f64 {
        let (even, odd) = self.normal_pair(path, number >> 1);
        if number & 1 == 0 { even } else { odd }
    }

    /// Uniforms of one path: `out[j]` is number `first_number + j`.
    pub fn uniforms(&self, path: u64, first_number: u64, out: &mut [f64]) {
        pulp::Arch::new().dispatch(OnePath::<false> { stream: self, path, first_number, out });
    }

    /// Standard normals of one path: `out[j]` is number `first_number + j`.
    pub fn normals(&self, path: u64, first_number: u64, out: &mut [f64]) {
        pulp::Arch::new().dispatch(OnePath::<true> { stream: self, path, first_number, out });
    }

    /// Standard normals of many paths: `out` has shape (numbers, `n_paths`), row-major, and `out[j * n_paths + i]` is
    /// number `j` of path `first_path + i`. A last, partial row is left as it was.
    pub fn normals_of_paths(&self, first_path: u64, n_paths: usize, out: &mut [f64]) {
        pulp::Arch::new().dispatch(ManyPaths { stream: self, first_path, n_paths, out });
    }

    /// [`Self::normals_of_paths`], to be inlined where the instruction set has been chosen already.
    #[inline(always)]
    pub(crate) fn fill_paths(&self, first_path: u64, n_paths: usize, out: &mut [f64]) {
        if n_paths == 0 {
            return;
        }
        let mut pair = 0;
        let mut rows = out.chunks_exact_mut(n_paths);
        while let Some(even_row) = rows.next() {
            let odd_row = rows.next().unwrap_or_default();
            let mut path = first_path;
            let mut odd_chunks = odd_row.chunks_mut(CHUNK);
            for evens in even_row.chunks_mut(CHUNK) {
                let (mut even_normals, mut odd_normals) = ([0.0; CHUNK], [0.0; CHUNK]);
                for lane in 0..evens.len() {
                    (even_normals[lane], odd_normals[lane]) =
                        self.normal_pair(path.wrapping_add(lane as u64), pair);
                }
                evens.copy_from_slice(&even_normals[..evens.len()]);
                if let Some(odds) = odd_chunks.next() {
                    odds.copy_from_slice(&odd_normals[..odds.len()]);
                }
                path = path.wrapping_add(CHUNK as u64);
            }
            pair += 1;
        }
    }

    /// Numbers `2 pair` and `2 pair + 1` of `path`: the 128 bits of one Philox block, cut to 52 each.
    #[inline(always)]
    fn uniform_pair(&self, path: u64, pair: u64) -> (f64, f64) {
        let words = philox::block([path & LOW, path >> 32, pair & LOW, pair >> 32], self.key);
        (open_unit(words[0] | (words[1] << 32)), open_unit(words[2] | (words[3] << 32)))
    }

    /// Box and Muller's transform (1958) of a pair of uniforms.
    #[inline(always)]
    fn normal_pair(&self, path: u64, pair: u64) -> (f64, f64) {
        let (first, second) = self.uniform_pair(path, pair);
        let radius = (-2.0 * ln(first)).sqrt();
        let (sine, cosine) = sin_cos_turns(second);
        (radius * cosine, radius * sine)
    }
}

/// The 52 high bits of `bits` as a number strictly between 0 and 1, by way of the float in [1, 2) they spell.
#[inline(always)]
fn open_unit(bits: u64) -> f64 {
    f64::from_bits((bits >> 12) | 0x3ff0_0000_0000_0000) - (1.0 - f64::EPSILON * 0.5)
}

/// `out[j]` = number `first_number + j` of `path`. These are structs because pulp calls closures through a shim that is
/// not always inlined, and then they run as plain scalar code.
struct OnePath<'a, const NORMAL: bool> {
    stream: &'a Stream,
    path: u64,
    first_number: u64,
    out: &'a mut [f64],
}

impl<const NORMAL: bool> OnePath<'_, NORMAL> {
    #[inline(always)]
    fn pair(stream: &Stream, path: u64, pair: u64) -> (f64, f64) {
        if NORMAL { stream.normal_pair(path, pair) } else { stream.uniform_pair(path, pair) }
    }
}

impl<const NORMAL: bool> NullaryFnOnce for OnePath<'_, NORMAL> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { stream, path, first_number, out } = self;
        let mut pair = first_number >> 1;
        let n_heads = if first_number & 1 == 1 { out.len().min(1) } else { 0 };
        let (head, rest) = out.split_at_mut(n_heads);
        if let [odd] = head {
            *odd = Self::pair(stream, path, pair).1;
            pair = pair.wrapping_add(1);
        }
        let (pairs, last) = rest.as_chunks_mut::<2>();
        for (both, offset) in pairs.iter_mut().zip(0_u64..) {
            (both[0], both[1]) = Self::pair(stream, path, pair.wrapping_add(offset));
        }
        if let [last] = last {
            *last = Self::pair(stream, path, pair.wrapping_add(pairs.len() as u64)).0;
        }
    }
}

/// [`Stream::normals_of_paths`].
struct ManyPaths<'a> {
    stream: &'a Stream,
    first_path: u64,
    n_paths: usize,
    out: &'a mut [f64],
}

impl NullaryFnOnce for ManyPaths<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.stream.fill_paths(self.first_path, self.n_paths, self.out);
    }
}

#[cfg(test)]
mod tests;
