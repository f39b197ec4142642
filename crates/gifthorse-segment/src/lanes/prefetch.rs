//! Asking for memory before it is needed.

#![allow(unsafe_code, reason = "the instruction takes a pointer")]

use super::lane::Pair;

/// Constants of no more bytes stay in the second-level cache from one use to the next.
pub(crate) const CACHED_BYTES: usize = 1 << 20;

/// Starts bringing lanes to the second-level cache, on processors where there is an instruction for
/// it.
#[inline(always)]
pub(crate) fn to_second_level(pairs: &[Pair]) {
    #[cfg(target_arch = "x86_64")]
    for lane in pairs.as_flattened() {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: the pointer is that of a reference, and a prefetch neither reads nor writes as
        // far as the program can see: it would not even fault at an address that is not mapped. SSE
        // is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(lane).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = pairs;
}
