//! Everything from outside, in one program: one file a subject, run at once.

mod access_log;
mod accidents;
mod admin_lists;
mod bi;
mod binding_errors;
mod binding_organisations;
mod binding_shapes;
mod binding_suggestions;
mod clock_jumps;
mod concurrency;
mod consent;
mod contention;
mod criteria;
mod criteria_functions;
mod customer_list;
mod dashboard;
mod dashboard_oracle;
mod demo_platform;
mod dossier;
mod drift;
mod dump_restore;
mod elevation;
mod erasure;
mod explanation;
mod export;
mod faults;
mod guests;
mod guests_by_hand;
mod hard_cases;
mod http;
mod http_access;
mod http_customers;
mod http_operation;
mod http_privacy;
mod http_public;
mod http_segments;
mod http_session;
mod http_transfer;
mod http_twice;
mod http_venues;
mod import;
mod isolation;
mod jobs;
mod list_filling;
mod merge;
mod naughty_http;
mod naughty_sql;
mod night;
mod odd_days;
mod opt_in;
mod order_window;
mod partitions;
mod pii;
mod preferences;
mod profiling;
mod random_changes;
mod reachable;
mod real_histories;
mod remedies;
mod retention;
mod roles;
mod rule_per_session;
mod scheduling;
mod schema;
mod scoring_cases;
mod segment_facts;
mod segment_live;
mod segments;
mod segments_of_labels;
mod settings;
mod sweep;
mod tenant;
mod torture;
mod uninstall;
mod venue_days;
mod verification;
mod writer;

/// A file that no `mod` names would be compiled by nobody and pass for ever.
#[test]
fn every_file_is_part_of_this_program() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite");
    for entry in std::fs::read_dir(folder).expect("the folder of the tests") {
        let name = entry.expect("a file").file_name().into_string().expect("a name in UTF-8");
        let module = name.trim_end_matches(".rs");
        assert!(
            module == "main" || include_str!("main.rs").contains(&format!("\nmod {module};\n")),
            "{name} is left out"
        );
    }
}
