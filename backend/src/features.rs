//! What the host's processor has beyond x86-64's base, as far as lowering makes a difference of it.

/// Instructions of the host that are used; without them a helper computes the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostFeatures {
    /// Fused multiply-add (FMA3).
    pub fma: bool,
    /// Half-precision conversions (F16C).
    pub f16c: bool,
    /// Rounding to integers (SSE4.1).
    pub sse41: bool,
}

impl Default for HostFeatures {
    /// What this host has.
    fn default() -> HostFeatures {
        HostFeatures {
            fma: is_x86_feature_detected!("fma"),
            f16c: is_x86_feature_detected!("f16c") && is_x86_feature_detected!("avx"),
            sse41: is_x86_feature_detected!("sse4.1"),
        }
    }
}

impl HostFeatures {
    /// These without those of a list of names separated by commas: `fma`, `f16c`, `sse4.1` (and with it what builds on
    /// it, which is both others).
    pub fn without(mut self, list: &str) -> Result<HostFeatures, String> {
        for name in list.split(',') {
            match name {
                "fma" => self.fma = false,
                "f16c" => self.f16c = false,
                "sse4.1" => self = HostFeatures { fma: false, f16c: false, sse41: false },
                _ => return Err(format!("there is no host feature '{name}'; there are fma, f16c and sse4.1")),
            }
        }
        Ok(self)
    }

    /// Cranelift's settings that must be off.
    pub(crate) fn missing(self) -> Vec<&'static str> {
        let mut off = Vec::new();
        if !self.fma {
            off.push("has_fma");
        }
        if !self.sse41 {
            off.extend(["has_sse41", "has_sse42", "has_avx", "has_avx2"]);
        }
        off
    }
}
