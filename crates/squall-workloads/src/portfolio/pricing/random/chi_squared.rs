//! Chi-squared draws by Marsaglia and Tsang's gamma rejection ("A simple method for generating gamma variables",
//! ACM TOMS 26, 2000), each from its own substream, so that random access survives the rejections.

use pulp::NullaryFnOnce;

use super::Stream;
use crate::portfolio::pricing::elementary::{exp, ln};

/// At least 95% of attempts are accepted, so this many rejections have a probability below 1e-80.
const MAX_ATTEMPTS: u64 = 64;

impl Stream {
    /// Chi-squared draw `number` (below 2^32) of `path` with `degrees_of_freedom` > 0, whole or not; NaN otherwise.
    ///
    /// A Student t variable is `normal * sqrt(degrees_of_freedom / chi_squared)`. Draws use randomness of their own:
    /// they are independent of this stream's uniforms and normals.
    #[must_use]
    pub fn chi_squared(&self, path: u64, number: u64, degrees_of_freedom: f64) -> f64 {
        self.substream().gamma_draw(path, number, degrees_of_freedom)
    }

    /// `out[i]` = [`Self::chi_squared`] of path `first_path + i`.
    pub fn chi_squareds_of_paths(
        &self,
        first_path: u64,
        number: u64,
        degrees_of_freedom: f64,
        out: &mut [f64],
    ) {
        pulp::Arch::new().dispatch(ManyDraws {
            stream: self.substream(),
            first_path,
            number,
            degrees_of_freedom,
            out,
        });
    }

    /// Twice a gamma variable of shape `degrees_of_freedom / 2`.
    #[inline(always)]
    fn gamma_draw(&self, path: u64, number: u64, degrees_of_freedom: f64) -> f64 {
        // Not `<= 0`: NaN must take this way too.
        if !(degrees_of_freedom > 0.0 && degrees_of_freedom < f64::INFINITY) {
            return f64::NAN;
        }
        let shape = 0.5 * degrees_of_freedom;
        // Below shape 1 the rejection needs Gamma(a) = Gamma(a + 1) U^(1/a).
        let (shape, boosted) = if shape < 1.0 { (shape + 1.0, true) } else { (shape, false) };
        let base = shape - 1.0 / 3.0;
        let slope = 1.0 / (9.0 * base).sqrt();
        let first_pair = number << 32;
        let mut scale = 1.0;
        for attempt in 0..MAX_ATTEMPTS {
            let pair = first_pair | (attempt << 1);
            let (deviate, _) = self.normal_pair(path, pair);
            let (height, boost) = self.uniform_pair(path, pair | 1);
            let root = f64::mul_add(slope, deviate, 1.0);
            if root <= 0.0 {
                continue;
            }
            let cube = root * root * root;
            let bound = f64::mul_add(0.5 * deviate, deviate, base * (1.0 - cube + ln(cube)));
            if ln(height) < bound {
                scale = cube;
                if boosted {
                    scale *= exp(ln(boost) / (0.5 * degrees_of_freedom));
                }
                break;
            }
        }
        2.0 * base * scale
    }
}

/// [`Stream::chi_squareds_of_paths`], on the substream; not a closure, for the reason given at `OnePath`.
struct ManyDraws<'a> {
    stream: Stream,
    first_path: u64,
    number: u64,
    degrees_of_freedom: f64,
    out: &'a mut [f64],
}

impl NullaryFnOnce for ManyDraws<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (value, offset) in self.out.iter_mut().zip(0_u64..) {
            *value = self.stream.gamma_draw(
                self.first_path.wrapping_add(offset),
                self.number,
                self.degrees_of_freedom,
            );
        }
    }
}
