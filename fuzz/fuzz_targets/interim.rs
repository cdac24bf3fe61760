//! An origin's interim answers are counted the same in whatever pieces they come.
#![no_main]
use edge::interim::Heads;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let judge = |piece: usize| {
        let mut heads = Heads::begin();
        bytes.chunks(piece).all(|part| !heads.looks() || heads.feed(part))
    };
    assert_eq!(judge(usize::from(cut).max(1)), judge(bytes.len().max(1)));
});
