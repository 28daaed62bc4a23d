//! Logarithm and power of two in fixed point, for shapes that would otherwise need floating point.
//!
//! Owns the arithmetic, alike on every processor. Refuses to know what it is used for.

/// Bits behind the point of a logarithm.
pub(crate) const LOG_BITS: u32 = 32;

/// The base-2 logarithm of `x`, rounded down to [`LOG_BITS`] fractional bits. `x` must not be zero.
pub(crate) fn log2(x: u128) -> u64 {
    debug_assert!(x > 0, "zero has no logarithm");
    let exponent = x.ilog2();
    // The mantissa, in [1, 2) with 63 bits behind the point. Squaring it doubles the logarithm; each time it
    // leaves the range, one more bit of the fraction is known.
    let mut mantissa = if exponent >= 63 { x >> (exponent - 63) } else { x << (63 - exponent) };
    let mut log = u64::from(exponent);
    for _ in 0..LOG_BITS {
        mantissa = (mantissa * mantissa) >> 63;
        log <<= 1;
        if mantissa >> 64 != 0 {
            mantissa >>= 1;
            log |= 1;
        }
    }
    log
}

/// `2^-y` for many `y`: the factors `2^-(1/2)`, `2^-(1/4)`, ... with 62 bits behind the point.
pub(crate) struct InverseExp2 {
    factors: [u128; LOG_BITS as usize],
}

impl InverseExp2 {
    const ONE_BITS: u32 = 62;

    pub(crate) fn new() -> Self {
        let mut factor = 1u128 << (Self::ONE_BITS - 1);
        let factors = std::array::from_fn(|_| {
            factor = (factor << Self::ONE_BITS).isqrt();
            factor
        });
        Self { factors }
    }

    /// `2^(top_bits - y)`, rounded down, for `y` with [`LOG_BITS`] fractional bits and `top_bits` of at most
    /// 62.
    pub(crate) fn at(&self, y: u64, top_bits: u32) -> u64 {
        let mut product = 1u128 << Self::ONE_BITS;
        for (place, factor) in (1u32..).zip(&self.factors) {
            if y >> (LOG_BITS - place) & 1 == 1 {
                product = (product * factor) >> Self::ONE_BITS;
            }
        }
        let whole = (y >> LOG_BITS) as u32;
        let shift = Self::ONE_BITS - top_bits + whole.min(64);
        (product as u64).checked_shr(shift).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_have_whole_logarithms() {
        for exponent in [0u32, 1, 10, 40, 63, 64, 100] {
            assert_eq!(log2(1 << exponent), u64::from(exponent) << LOG_BITS);
        }
    }

    #[test]
    fn the_logarithm_of_ten_is_known() {
        let expected = 14_267_572_527; // floor(log2(10) * 2^32)
        assert!(log2(10).abs_diff(expected) <= 1, "{}", log2(10));
    }

    #[test]
    fn the_power_undoes_the_logarithm() {
        let inverse = InverseExp2::new();
        for x in [1u128, 2, 3, 10, 1000, 65_537, 1 << 40] {
            let back = inverse.at(log2(x), 62);
            let expected = ((1u128 << 62) / x) as u64;
            assert!(back.abs_diff(expected) <= (expected >> 28) + 1, "1/{x}: {back}, not {expected}");
        }
        assert_eq!(inverse.at(u64::MAX, 53), 0);
    }
}
