//! Every input that once showed something new, or broke something, again.

use std::fs;
use std::path::Path;

#[test]
fn every_input_of_the_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in crm_fuzz::TARGETS {
        let folder = corpus.join(name);
        let inputs: Vec<_> = fs::read_dir(&folder)
            .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
            .map(|entry| entry.expect("an entry of the folder").path())
            .collect();
        assert!(inputs.len() > 10, "{name} has a corpus");
        for input in inputs {
            let bytes = fs::read(&input).expect("an input");
            if std::panic::catch_unwind(|| target(&bytes)).is_err() {
                panic!("{name} fails for {}", input.display());
            }
        }
    }
}
