//! Who read what is sensitive is kept, and nobody changes it.

use crm_tests::isolation::Tenants;

#[test]
fn reads_of_a_person_are_noted_with_who_when_and_of_whom() {
    let mut tenants = Tenants::new("access_noted");
    tenants.sql.expect_rows(
        "SELECT what, count(*) FROM crm.access_log GROUP BY 1 ORDER BY 1",
        // The four lists that the venues' admins handed out.
        &["export|4"],
    );
    let mut staff = tenants.login("zqred", "staff", "NULL");
    let mut manager = tenants.login("zqred", "manager", "NULL");
    let login = staff.value("SELECT session_user");
    staff.run("SELECT crm.dossier('zqred-11'); SELECT * FROM crm.timeline('zqred-11'); SELECT * FROM crm.health_needs('zqred-11')");
    // Asked for by the name of somebody who was merged: noted as asked, and found with his survivor.
    staff.run("SELECT crm.dossier('zqred-13')");
    manager.run(
        "SELECT * FROM crm.export_customers((SELECT segment_id FROM crm.segment WHERE key = 'zqr1_all'))",
    );
    // The till's own reads, and what is refused, are not.
    staff.run("SELECT crm.kitchen_card('zqred-11', 'zqr1'); SELECT * FROM crm.find_customers('zqred'); SELECT * FROM crm.customer_list()");
    staff.expect_refusal("SELECT crm.dossier('zqblue-11')", &["CR404"], "");

    let mut admin = tenants.login("zqred", "admin", "NULL");
    let of = |guest: &str| {
        format!(
            "SELECT what, principal, role, db_user, guests, accessed_at BETWEEN now() - interval '1 minute' AND clock_timestamp() FROM crm.access_list('{guest}')"
        )
    };
    let line = |what: &str| format!("{what}|{login}|staff|{login}|1|t");
    assert_eq!(admin.rows(&of("zqred-11")), [line("health_needs"), line("timeline"), line("dossier")]);
    assert_eq!(admin.rows(&of("zqred-12")), [line("dossier")]);
    admin.expect_none("SELECT * FROM crm.access_list('zqred-21')");
    // Of a list: how many, of which segment, where.
    admin.expect_rows(
        "SELECT what, role, customer_id, guests, v.ref, details - 'segment_id' FROM crm.access_list(page_size => 1) l LEFT JOIN crm.venue v USING (venue_id)",
        &["export|manager|null|4|zqr1|{}"],
    );
}

#[test]
fn the_log_is_read_page_by_page_by_admins_of_the_whole_organisation() {
    let mut tenants = Tenants::new("access_pages");
    let mut staff = tenants.login("zqred", "staff", "NULL");
    for _ in 0..7 {
        staff.run("SELECT crm.dossier('zqred-11')");
    }
    let mut admin = tenants.login("zqred", "admin", "NULL");
    let all = admin.rows("SELECT access_id FROM crm.access_list(page_size => 200)");
    // Seven, and the two exports of red.
    assert_eq!(all.len(), 9);
    for whom in ["", "customer => 'zqred-11', "] {
        let mut seen = vec![];
        let mut after = "NULL".to_owned();
        loop {
            let page = admin.rows(&format!(
                "SELECT access_id FROM crm.access_list({whom}after => {after}, page_size => 2)"
            ));
            let Some(last) = page.last() else { break };
            after = last.clone();
            seen.extend(page);
        }
        assert_eq!(seen, if whom.is_empty() { all.clone() } else { all[..7].to_vec() });
    }
    admin.expect_refusal("SELECT * FROM crm.access_list('zqblue-11')", &["CR404"], "unknown customer");
    admin.expect_refusal("SELECT * FROM crm.access_list(page_size => 0)", &["22023"], "200");
    let mut of_venue = tenants.login("zqred", "admin", "ARRAY['zqr1']");
    of_venue.expect_refusal("SELECT * FROM crm.access_list()", &["42501"], "all venues");
    for role in ["reader", "manager"] {
        tenants.login("zqred", role, "NULL").expect_refusal(
            "SELECT * FROM crm.access_list()",
            &["42501"],
            "",
        );
    }
    staff.expect_refusal("SELECT * FROM crm.access_list()", &["42501"], "");
    admin.expect_refusal("SELECT * FROM crm.access_log", &["42501"], "");
}

#[test]
fn what_is_noted_stays() {
    let mut tenants = Tenants::new("access_kept");
    let count = tenants.sql.number("SELECT count(*) FROM crm.access_log");
    for change in
        ["UPDATE crm.access_log SET principal = 'x'", "DELETE FROM crm.access_log", "TRUNCATE crm.access_log"]
    {
        tenants.sql.expect_refusal(change, &["55000"], "kept");
        tenants.sql.expect_refusal(
            &format!("SET session_replication_role = replica; {change}"),
            &["55000"],
            "kept",
        );
        tenants.sql.run("SET session_replication_role = origin");
        tenants.sql.expect_refusal(&format!("SET ROLE crm_owner; {change}"), &["55000"], "kept");
        tenants.sql.run("RESET ROLE");
    }
    assert_eq!(tenants.sql.number("SELECT count(*) FROM crm.access_log"), count);
}

#[test]
fn where_nothing_can_be_written_reading_goes_on() {
    let mut tenants = Tenants::new("access_read_only");
    let mut staff = tenants.login("zqred", "staff", "NULL");
    let count = tenants.sql.number("SELECT count(*) FROM crm.access_log");
    staff.run("BEGIN READ ONLY");
    assert!(staff.value("SELECT crm.dossier('zqred-11')").contains("zqred"));
    assert!(!staff.rows("SELECT * FROM crm.timeline('zqred-11')").is_empty());
    assert!(!staff.rows("SELECT * FROM crm.health_needs('zqred-11')").is_empty());
    staff.run("COMMIT");
    assert_eq!(tenants.sql.number("SELECT count(*) FROM crm.access_log"), count);
    // A superuser acting as himself is nobody's person.
    let mut one = tenants.database.session();
    one.run("SELECT crm.dossier('zqred-11')");
    assert_eq!(tenants.sql.number("SELECT count(*) FROM crm.access_log"), count);
}
