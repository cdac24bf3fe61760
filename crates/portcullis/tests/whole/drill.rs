//! The drill walks the whole story by itself, the desk's end and return included; here it must say that all of it happened.

use crate::process::run;
use crate::town::portcullis;

#[test]
fn the_drill_walks_to_its_end() {
    let done = run(portcullis().arg("drill"));
    assert!(done.ok().contains("drill: all of it happened"));
}
