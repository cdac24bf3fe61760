//! Bytes nobody signed change nothing, from any channel.
#![no_main]
use libfuzzer_sys::fuzz_target;
use policy::{Seen, Time, testkit::House};

fuzz_target!(|bytes: &[u8]| {
    let now = Time(1_795_309_200);
    let mut state = House::demo(Time(1_795_305_600)).state();
    assert!(!state.apply(1, bytes, Seen::CatchUp).is_applied());
    assert!(!state.undo(bytes, now).is_applied());
    state.hold(bytes);
    assert!(state.at(now).is_empty());
});
