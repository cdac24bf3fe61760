//! A connection's bytes are judged the same in whatever pieces they come.
#![no_main]
use edge::wire::Wire;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let whole = Wire::new(4096).feed(bytes).map_err(|v| v.fault);
    let mut wire = Wire::new(4096);
    let pieces = bytes.chunks(usize::from(cut).max(1)).try_for_each(|piece| wire.feed(piece).map_err(|v| v.fault));
    assert_eq!(whole, pieces);
});
