//! For every function that a role may call, calls that name another tenant's things.

/// What a caller from elsewhere is to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A refusal (CR404 or 42501), the same as for a thing that nobody has.
    Refused,
    /// An answer or a refusal, the same as for a thing that nobody has.
    Alike,
    /// An answer without anything of the other tenant.
    Blind,
}

use Kind::{Alike, Blind, Refused};

/// Function, and its calls.
pub type Recipe = (&'static str, &'static [(Kind, &'static str)]);

/// Functions that take and give nothing of a tenant, and why.
pub(super) const UNBOUND: &[(&str, &str)] = &[
    ("crm.canonical_criteria(text)", "of its argument alone"),
    ("crm.criteria_from_query_builder(text,boolean)", "of its argument alone"),
    ("crm.criteria_nodes(text)", "of its argument alone"),
    ("crm.criteria_schema()", "a constant"),
    ("crm.criteria_to_query_builder(text)", "of its argument alone"),
    ("crm.criteria_version(text)", "of its argument alone"),
    ("crm.describe_criteria(text)", "of its argument alone"),
    ("crm.validate_criteria(jsonb)", "of its argument alone"),
    ("crm.validate_criteria(text)", "of its argument alone"),
    ("crm.segment_templates()", "a constant"),
    ("crm.health_values(text)", "a constant"),
    ("crm.label_rank(text)", "of its argument alone"),
    ("crm.first_day_reaching(date,integer,integer)", "of its arguments alone"),
    ("crm.next_anniversary(date,date)", "of its arguments alone"),
    ("crm.local_day(timestamp with time zone,text,time without time zone)", "of its arguments alone"),
    ("crm.day_opening(date,text,time without time zone)", "of its arguments alone"),
    ("crm.key(text)", "of its argument alone"),
    ("crm.now()", "the clock"),
    ("crm.library_schema_version()", "a constant"),
    ("crm.schema_version()", "the schema's version"),
    ("crm.require_schema()", "the schema's version"),
    ("crm.set_caller(uuid)", "the service's alone: it says who calls (roles.rs)"),
    ("crm.sign_in(bytea)", "the service's alone: it says who calls (roles.rs)"),
];

/// Functions by which who is limited to a venue changes rows of others, and why.
pub(super) const OVER_VENUES: &[(&str, &str)] = &[
    (
        "crm.merge_customers(text,text,text)",
        "guests are the organisation's: what every venue has of one goes with him",
    ),
    (
        "crm.unmerge_customer(text)",
        "guests are the organisation's: what every venue has of one goes with him",
    ),
];

/// The calls. `{x}` is another tenant's, `{own_x}` the caller's.
pub(super) const RECIPES: &[Recipe] = &[
    ("crm.caller()", &[(Blind, "crm.caller()")]),
    ("crm.caller_org()", &[(Blind, "crm.caller_org()")]),
    ("crm.caller_venues()", &[(Blind, "crm.caller_venues()")]),
    ("crm.require_caller()", &[(Blind, "crm.require_caller()")]),
    ("crm.health()", &[(Blind, "crm.health()")]),
    (
        "crm.access_list(text,bigint,integer)",
        &[(Blind, "crm.access_list()"), (Refused, "crm.access_list('{guest}')")],
    ),
    ("crm.cohort_months()", &[(Blind, "crm.cohort_months()")]),
    // Venues.
    ("crm.venue_list()", &[(Blind, "crm.venue_list()")]),
    ("crm.venue_entry(text)", &[(Refused, "crm.venue_entry('{venue}')")]),
    (
        "crm.venue_settings(text)",
        &[(Refused, "crm.venue_settings('{venue}')"), (Refused, "crm.venue_settings('{venue_id}')")],
    ),
    ("crm.overview(text)", &[(Refused, "crm.overview('{venue}')"), (Refused, "crm.overview('{venue_id}')")]),
    ("crm.label_flow(text,date,date)", &[(Refused, "crm.label_flow('{venue}', '2025-03-01', '2025-05-31')")]),
    (
        "crm.label_movers(text,date,date,text,text)",
        &[(Refused, "crm.label_movers('{venue}', '2025-03-01', '2025-05-31')")],
    ),
    ("crm.upcoming_labels(text,integer)", &[(Refused, "crm.upcoming_labels('{venue}', 30)")]),
    ("crm.upcoming_birthdays(text,integer)", &[(Refused, "crm.upcoming_birthdays('{venue}', 90)")]),
    (
        "crm.segment_sizes(text,integer)",
        &[(Refused, "crm.segment_sizes('{venue}')"), (Blind, "crm.segment_sizes()")],
    ),
    (
        "crm.preview_settings(text,jsonb)",
        &[(Refused, "crm.preview_settings('{venue}', jsonb_build_object('lost_days', 60))")],
    ),
    (
        "crm.update_venue_settings(text,jsonb)",
        &[(Refused, "crm.update_venue_settings('{venue}', jsonb_build_object('lost_days', 60))")],
    ),
    (
        "crm.set_region(text,text)",
        &[(Refused, "crm.set_region('FR', '{venue}')"), (Blind, "crm.set_region('FR')")],
    ),
    ("crm.organisation_settings()", &[(Blind, "crm.organisation_settings()")]),
    (
        "crm.update_organisation_settings(jsonb)",
        &[(Blind, "crm.update_organisation_settings(jsonb_build_object('loyalty_enabled', true))")],
    ),
    ("crm.quiet_until(text)", &[(Blind, "crm.quiet_until()"), (Refused, "crm.quiet_until('{venue}')")]),
    ("crm.set_inline_segments(boolean)", &[(Blind, "crm.set_inline_segments(false)")]),
    // Guests.
    (
        "crm.customer_list(text,text[],text,text,jsonb,integer,numeric,numeric,integer,integer,integer,integer,date,date,text[],integer,text,text)",
        &[
            (Blind, "crm.customer_list()"),
            (Blind, "crm.customer_list(sort => '-spend', spend_from => 1, last_visit_from => '2025-01-01')"),
            (Refused, "crm.customer_list(venue => '{venue}')"),
            (Refused, "crm.customer_list(segment => {segment})"),
            (Refused, "crm.customer_list(segment => {org_segment})"),
            (Blind, "crm.customer_list(reachable => 'REVIEW_REQUEST')"),
            (Alike, "crm.customer_list(category => '{category}')"),
            (Alike, "crm.customer_list(tags => ARRAY['{tag}'])"),
            (Alike, "crm.customer_list(search => '{name}')"),
            (Alike, "crm.customer_list(search => '{email}')"),
            (Blind, "crm.customer_list(after => '{cursor}')"),
        ],
    ),
    (
        "crm.find_customers(text,integer)",
        &[
            (Alike, "crm.find_customers('{name}')"),
            (Alike, "crm.find_customers('{phone}')"),
            (Alike, "crm.find_customers('{email}')"),
            (Alike, "crm.find_customers('{tag}')"),
            (Alike, "crm.find_customers('{guest}')"),
        ],
    ),
    (
        "crm.customer_profile(text)",
        &[(Refused, "crm.customer_profile('{guest}')"), (Refused, "crm.customer_profile('{guest_id}')")],
    ),
    (
        "crm.dossier(text)",
        &[
            (Refused, "crm.dossier('{guest}')"),
            (Refused, "crm.dossier('{guest_id}')"),
            (Refused, "crm.dossier('{merged}')"),
        ],
    ),
    (
        "crm.timeline(text,jsonb,integer)",
        &[
            (Refused, "crm.timeline('{guest}')"),
            (Refused, "crm.timeline('{guest_id}')"),
            (Refused, "crm.timeline('{merged}')"),
        ],
    ),
    ("crm.lifetime(text)", &[(Refused, "crm.lifetime('{guest}')")]),
    (
        "crm.kitchen_card(text,text)",
        &[
            (Refused, "crm.kitchen_card('{guest}', '{venue}')"),
            (Refused, "crm.kitchen_card('{guest}', '{own_venue}')"),
            (Refused, "crm.kitchen_card('{own_guest}', '{venue}')"),
        ],
    ),
    (
        "crm.explain_rfm(text,text)",
        &[
            (Refused, "crm.explain_rfm('{guest}', '{venue}')"),
            (Refused, "crm.explain_rfm('{guest}', '{own_venue}')"),
            (Refused, "crm.explain_rfm('{own_guest}', '{venue}')"),
        ],
    ),
    ("crm.duplicate_candidates(integer)", &[(Blind, "crm.duplicate_candidates()")]),
    (
        "crm.create_customer(jsonb,text)",
        &[
            (Refused, "crm.create_customer(jsonb_build_object('name', 'New'), '{venue}')"),
            (
                Blind,
                "crm.create_customer(jsonb_build_object('name', '{name}', 'email', '{email}')) IS NOT NULL",
            ),
        ],
    ),
    (
        "crm.capture_customer(text,text,text,text)",
        &[
            (Refused, "crm.capture_customer('{phone}', venue => '{venue}')"),
            (
                Alike,
                "(SELECT jsonb_build_object('name', c.customer_name, 'status', c.status, 'created', c.created, 'others', c.others) FROM crm.capture_customer('{phone}') AS c)",
            ),
        ],
    ),
    (
        "crm.update_customer(text,jsonb,text)",
        &[
            (Refused, "crm.update_customer('{guest}', jsonb_build_object('language', 'de'))"),
            (Refused, "crm.update_customer('{own_guest}', jsonb_build_object('language', 'de'), '{venue}')"),
        ],
    ),
    ("crm.block_customer(text,text)", &[(Refused, "crm.block_customer('{double}', 'reason')")]),
    ("crm.unblock_customer(text)", &[(Refused, "crm.unblock_customer('{guest}')")]),
    (
        "crm.merge_customers(text,text,text)",
        &[
            (Refused, "crm.merge_customers('{guest}', '{double}', 'reason')"),
            (Refused, "crm.merge_customers('{own_guest}', '{guest}', 'reason')"),
            (Refused, "crm.merge_customers('{guest}', '{own_guest}', 'reason')"),
        ],
    ),
    ("crm.unmerge_customer(text)", &[(Refused, "crm.unmerge_customer('{merged}')")]),
    (
        "crm.keep_apart(text,text)",
        &[
            (Refused, "crm.keep_apart('{guest}', '{double}')"),
            (Refused, "crm.keep_apart('{own_guest}', '{guest}')"),
        ],
    ),
    (
        "crm.add_contact(text,text,text,text,boolean,jsonb)",
        &[(Refused, "crm.add_contact('{guest}', 'email', 'x@example.org')")],
    ),
    ("crm.remove_contact(bigint)", &[(Refused, "crm.remove_contact({contact})")]),
    (
        "crm.attach_order(text,text)",
        &[
            (Refused, "crm.attach_order('{free_order}', '{guest}')"),
            (Refused, "crm.attach_order('{free_order}', '{own_guest}')"),
            (Refused, "crm.attach_order('{own_free_order}', '{guest}')"),
        ],
    ),
    // What is said of them.
    (
        "crm.add_note(text,text,text,boolean,bigint)",
        &[
            (Refused, "crm.add_note('{guest}', '{venue}', 'body')"),
            (Refused, "crm.add_note('{own_guest}', '{venue}', 'body')"),
            (Refused, "crm.add_note('{guest}', '{own_venue}', 'body')"),
            (Refused, "crm.add_note('{own_guest}', '{own_venue}', 'body', corrects => {note})"),
        ],
    ),
    ("crm.pin_note(bigint,boolean)", &[(Refused, "crm.pin_note({note})")]),
    ("crm.tag_list()", &[(Blind, "crm.tag_list()")]),
    (
        "crm.tag_customers(text[],text[],timestamp with time zone)",
        &[
            (Refused, "crm.tag_customers(ARRAY['{guest}'], ARRAY['new'])"),
            (Refused, "crm.tag_customers(ARRAY['{own_guest}', '{guest}'], ARRAY['new'])"),
            (Blind, "crm.tag_customers(ARRAY['{own_double}'], ARRAY['{tag}'])"),
        ],
    ),
    (
        "crm.untag_customers(text[],text[])",
        &[
            (Refused, "crm.untag_customers(ARRAY['{guest}'], ARRAY['{own_tag}'])"),
            (Refused, "crm.untag_customers(ARRAY['{own_guest}'], ARRAY['{tag}'])"),
        ],
    ),
    (
        "crm.save_tag(text,text,integer,text)",
        &[
            (Refused, "crm.save_tag('new', segment => {org_segment})"),
            (Blind, "crm.save_tag('{tag}', '#112233')"),
        ],
    ),
    ("crm.delete_tag(text)", &[(Refused, "crm.delete_tag('{tag}')")]),
    ("crm.health_needs(text)", &[(Refused, "crm.health_needs('{guest}')")]),
    (
        "crm.set_health_needs(text,text[],text[],text,jsonb)",
        &[
            (Refused, "crm.set_health_needs('{guest}', ARRAY['milk'])"),
            (Refused, "crm.set_health_needs('{own_guest}', ARRAY['milk'], venue => '{venue}')"),
        ],
    ),
    (
        "crm.preferences(text,text)",
        &[(Refused, "crm.preferences('{guest}')"), (Refused, "crm.preferences('{own_guest}', '{venue}')")],
    ),
    (
        "crm.state_preference(text,text,text,text,numeric)",
        &[
            (Refused, "crm.state_preference('{guest}', 'seating', 'bar')"),
            (Refused, "crm.state_preference('{own_guest}', 'seating', 'bar', '{venue}')"),
        ],
    ),
    (
        "crm.withdraw_preference(text,text,text,text)",
        &[(Refused, "crm.withdraw_preference('{guest}', 'seating', '{venue} window', '{venue}')")],
    ),
    // Segments.
    (
        "crm.segment_list(text,boolean)",
        &[(Blind, "crm.segment_list()"), (Refused, "crm.segment_list('{venue}')")],
    ),
    (
        "crm.segment_size(integer)",
        &[(Refused, "crm.segment_size({segment})"), (Refused, "crm.segment_size({org_segment})")],
    ),
    (
        "crm.segment_as_of(integer,timestamp with time zone)",
        &[
            (Refused, "crm.segment_as_of({segment}, 'infinity')"),
            (Refused, "crm.segment_as_of({org_segment}, 'infinity')"),
        ],
    ),
    (
        "crm.is_member(integer,text)",
        &[
            (Refused, "crm.is_member({segment}, '{guest}')"),
            (Alike, "crm.is_member({own_org_segment}, '{guest}')"),
            (Refused, "crm.is_member({org_segment}, '{own_guest}')"),
        ],
    ),
    (
        "crm.explain_segment(text,integer)",
        &[
            (Refused, "crm.explain_segment('{guest}', {segment})"),
            (Refused, "crm.explain_segment('{guest}', {own_segment})"),
            (Refused, "crm.explain_segment('{own_guest}', {segment})"),
        ],
    ),
    (
        "crm.create_segment(text,text,text,text)",
        &[
            (Refused, r#"crm.create_segment('{venue}', 'fresh', 'Fresh', '{"v":1,"where":{"all":[]}}')"#),
            (
                Blind,
                r#"crm.create_segment(NULL, '{segment_key}', 'New', '{"v":1,"scope":"org","where":{"all":[]}}') > 0"#,
            ),
            (
                Alike,
                r#"crm.create_segment('{own_venue}', 'fresh', 'Fresh', '{"v":1,"where":{"field":"in_segment","op":"has","value":"{segment_key}"}}') > 0"#,
            ),
        ],
    ),
    (
        "crm.update_segment(integer,text,text)",
        &[
            (Refused, "crm.update_segment({segment}, 'Name')"),
            (Refused, "crm.update_segment({org_segment}, 'Name')"),
        ],
    ),
    ("crm.archive_segment(integer)", &[(Refused, "crm.archive_segment({segment})")]),
    (
        "crm.duplicate_segment(integer,text,text)",
        &[
            (Refused, "crm.duplicate_segment({segment}, 'copy')"),
            (Refused, "crm.duplicate_segment({org_segment}, 'copy')"),
        ],
    ),
    (
        "crm.include_in_segment(integer,text,text)",
        &[
            (Refused, "crm.include_in_segment({segment}, '{double}', 'why')"),
            (Refused, "crm.include_in_segment({own_segment}, '{guest}', 'why')"),
        ],
    ),
    (
        "crm.exclude_from_segment(integer,text,text)",
        &[
            (Refused, "crm.exclude_from_segment({segment}, '{guest}', 'why')"),
            (Refused, "crm.exclude_from_segment({own_segment}, '{guest}', 'why')"),
        ],
    ),
    (
        "crm.clear_segment_override(integer,text)",
        &[(Refused, "crm.clear_segment_override({segment}, '{guest}')")],
    ),
    (
        "crm.refresh_segment(integer)",
        &[(Refused, "crm.refresh_segment({segment})"), (Refused, "crm.refresh_segment({org_segment})")],
    ),
    (
        "crm.preview_segment(text,text,integer)",
        &[
            (Refused, r#"crm.preview_segment('{"v":1,"where":{"all":[]}}', '{venue}')"#),
            (Refused, r#"crm.preview_segment('{"v":1,"where":{"all":[]}}', '{own_venue}', {segment})"#),
            (
                Alike,
                r#"crm.preview_segment('{"v":1,"where":{"field":"tags","op":"has","value":"{tag}"}}', '{own_venue}')"#,
            ),
        ],
    ),
    // Files.
    (
        "crm.create_import(text,bytea,text,jsonb)",
        &[(Refused, "crm.create_import('x.csv', convert_to('name' || chr(10) || 'Ana', 'UTF8'), '{venue}')")],
    ),
    ("crm.map_import(integer,jsonb,jsonb)", &[(Refused, "crm.map_import({new_import})")]),
    ("crm.check_import(integer)", &[(Refused, "crm.check_import({new_import})")]),
    ("crm.start_import(integer)", &[(Refused, "crm.start_import({checked_import})")]),
    ("crm.undo_import(integer)", &[(Refused, "crm.undo_import({import})")]),
    ("crm.import_list()", &[(Blind, "crm.import_list()")]),
    ("crm.import_status(integer)", &[(Refused, "crm.import_status({import})")]),
    ("crm.import_rows(integer,text,integer,integer)", &[(Refused, "crm.import_rows({import})")]),
    ("crm.import_rejects(integer,integer,integer)", &[(Refused, "crm.import_rejects({import})")]),
    ("crm.import_rejects_csv(integer)", &[(Refused, "crm.import_rejects_csv({import})")]),
    (
        "crm.export_customers(integer,jsonb,text)",
        &[
            (Blind, "crm.export_customers()"),
            (Refused, "crm.export_customers({segment})"),
            (Refused, "crm.export_customers({org_segment})"),
            (Refused, "crm.export_customers(filter => jsonb_build_object('venue', '{venue}'))"),
            (Alike, "crm.export_customers(filter => jsonb_build_object('search', '{name}'))"),
        ],
    ),
];
