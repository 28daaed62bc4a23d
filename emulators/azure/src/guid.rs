//! Names the service makes up.

use switchback_sim::Chance;

/// A version-4 GUID drawn from `chance`.
pub(crate) fn guid(chance: &mut Chance) -> String {
    let (high, low) = (chance.next_u64(), chance.next_u64());
    let (high, low) = (high & !0xf000 | 0x4000, low & !(0b11 << 62) | 0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
