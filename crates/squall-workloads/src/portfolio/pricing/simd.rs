//! The vector instructions that prices use on this machine. The choice changes the speed, never the bits.

use pulp::{Arch, WithSimd};

/// One way of running the vector loops.
#[derive(Debug, Clone, Copy)]
pub struct SimdPath(Arch);

impl SimdPath {
    /// The widest path this processor supports (detected once, then remembered).
    pub fn best() -> Self {
        SimdPath(Arch::new())
    }

    /// The path that assumes nothing about the processor. Slow on x86: its fused multiply-adds are library
    /// calls.
    pub fn portable() -> Self {
        SimdPath(Arch::Scalar)
    }

    /// Every path this processor supports, slowest first.
    pub fn supported() -> Vec<Self> {
        let mut paths = vec![Self::portable()];
        #[cfg(target_arch = "x86_64")]
        {
            paths.extend(pulp::x86::V3::try_new().map(|simd| SimdPath(Arch::V3(simd))));
            paths.extend(pulp::x86::V4::try_new().map(|simd| SimdPath(Arch::V4(simd))));
        }
        #[cfg(target_arch = "aarch64")]
        paths.extend(pulp::aarch64::Neon::try_new().map(|simd| SimdPath(Arch::Neon(simd))));
        paths
    }

    /// `"avx512"`, `"avx2+fma"`, `"neon"` or `"portable"`.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Arch::V4(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Arch::V3(_) => "avx2+fma",
            #[cfg(target_arch = "aarch64")]
            Arch::Neon(_) => "neon",
            _ => "portable",
        }
    }

    #[inline]
    pub(crate) fn run<Op: WithSimd>(self, op: Op) -> Op::Output {
        self.0.dispatch(op)
    }
}

/// The name of the path that batches take on this machine.
pub fn simd_path() -> &'static str {
    SimdPath::best().name()
}
