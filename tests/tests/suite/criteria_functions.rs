//! The SQL functions over criteria, as a caller meets them.

use crm_tests::{Session, TestDatabase};

fn installed(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let sql = database.session();
    (database, sql)
}

#[test]
fn errors_are_rows() {
    let (_database, mut sql) = installed("criteria_errors");
    sql.expect_rows(
        r#"SELECT severity, pointer, code, got, suggestion FROM crm.validate_criteria(
             '{"v":1,"where":{"all":[{"field":"total_order","op":"gte","value":3},{"field":"aov","op":"gt","value":NaN},
               {"field":"label","op":"eq","value":"LOYALE"},{"any":[]}]}}')"#,
        &[
            "error|/where/all/1/value|not_a_number|null|null",
            "error|/where/all/0/field|unknown_field|total_order|total_orders",
            "error|/where/all/2/value|unknown_value|LOYALE|LOYAL",
            r#"error|/where/all/3/any|empty_group|null|{"all":[]} as the whole of "where" means everyone"#,
        ],
    );
    sql.expect_rows(
        r#"SELECT severity, pointer, code FROM crm.validate_criteria('{"v":1,"where":{"field":"recency_score","op":"gt","value":5}}'::jsonb)"#,
        &["warning|/where|matches_nobody"],
    );
    sql.expect_none(r#"SELECT * FROM crm.validate_criteria('{"v":1,"where":{"field":"aov","op":"gt","value":5}}'::jsonb)"#);
    sql.expect_none(
        "SELECT t.key, v.* FROM crm.segment_templates() AS t, crm.validate_criteria(t.criteria) AS v",
    );
}

#[test]
fn jsonb_keeps_the_digits_of_numbers() {
    let (_database, mut sql) = installed("criteria_digits");
    sql.expect_rows(
        r#"SELECT code, got FROM crm.validate_criteria('{"v":1,"where":{"field":"aov","op":"gt","value":5.00000000000000000000000000000001}}'::jsonb)"#,
        &["too_precise|5.00000000000000000000000000000001"],
    );
}

#[test]
fn functions_that_need_valid_criteria_name_all_problems() {
    let (_database, mut sql) = installed("criteria_refusals");
    for function in ["canonical_criteria", "describe_criteria", "criteria_to_query_builder"] {
        sql.expect_refusal(
            &format!(r#"SELECT crm.{function}('{{"v":2,"wher":1}}')"#),
            &["22023"],
            "3 problems",
        );
    }
    sql.expect_refusal("SELECT crm.criteria_from_query_builder('[]')", &["22023"], "problem");
}

#[test]
fn the_criteria_version_is_the_hash_of_the_canonical_form() {
    let (_database, mut sql) = installed("criteria_canonical");
    sql.expect_rows(
        r#"SELECT crm.canonical_criteria('{"where":{"op":"in","value":["NEW","LOST","NEW"],"field":"label"},"v":1}')"#,
        &[r#"{"v":1,"scope":"venue","where":{"field":"label","op":"in","value":["LOST","NEW"]}}"#],
    );
    sql.expect_rows(
        r#"SELECT crm.criteria_from_query_builder('{"combinator":"or","rules":[{"field":"aov","operator":">","value":"5"}]}', true)"#,
        &[r#"{"v":1,"scope":"org","where":{"any":[{"field":"aov","op":"gt","value":"5.00"}]}}"#],
    );
}

#[test]
fn the_schema_offers_the_catalogue() {
    let (_database, mut sql) = installed("criteria_schema");
    sql.expect_rows(
        "SELECT field ->> 'label', field ->> 'type', jsonb_array_length(field -> 'values')
         FROM jsonb_array_elements(crm.criteria_schema() #> '{$defs,catalogue,enum}') AS field WHERE field ->> 'name' = 'label'",
        &["label|enum|7"],
    );
}
