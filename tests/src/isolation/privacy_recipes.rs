//! Calls of the functions of consent, erasure and what the service keeps.

use super::recipes::Kind::{Alike, Blind, Refused};
use super::recipes::Recipe;

/// The calls. `{x}` is another tenant's, `{own_x}` the caller's.
pub const RECIPES: &[Recipe] = &[
    // Consent.
    (
        "crm.record_consent(text,text,text,text,text,text,integer,timestamp with time zone,inet,text,text)",
        &[
            (Refused, "crm.record_consent('{guest}', 'REVIEW_REQUEST', 'GRANTED', 'admin')"),
            (Refused, "crm.record_consent('{own_guest}', 'REVIEW_REQUEST', 'GRANTED', 'admin', '{venue}')"),
            (Refused, "crm.record_consent('{guest}', 'REVIEW_REQUEST', 'GRANTED', 'admin', '{own_venue}')"),
            (
                Refused,
                "crm.record_consent('{own_guest}', 'REVIEW_REQUEST', 'GRANTED', 'admin', wording => {wording})",
            ),
        ],
    ),
    (
        "crm.request_opt_in(text,text,text,text,integer,inet,text,text)",
        &[
            (Refused, "crm.request_opt_in('{guest}')"),
            (Refused, "crm.request_opt_in('{own_guest}', '{venue}')"),
            (Refused, "crm.request_opt_in('{own_guest}', wording => {wording})"),
        ],
    ),
    (
        "crm.resend_opt_in(text,text)",
        &[(Alike, "crm.resend_opt_in('{guest}')"), (Alike, "crm.resend_opt_in('{own_guest}', '{venue}')")],
    ),
    ("crm.consents(text)", &[(Refused, "crm.consents('{guest}')"), (Refused, "crm.consents('{guest_id}')")]),
    (
        "crm.consent_history(text,timestamp with time zone)",
        &[(Refused, "crm.consent_history('{guest}')"), (Refused, "crm.consent_history('{merged}')")],
    ),
    ("crm.consent_receipt(bigint)", &[(Refused, "crm.consent_receipt({entry})")]),
    ("crm.consent_heads()", &[(Blind, "crm.consent_heads()")]),
    (
        "crm.consent_log(text,text,text,timestamp with time zone,timestamp with time zone,bigint,integer)",
        &[(Blind, "crm.consent_log()"), (Refused, "crm.consent_log(venue => '{venue}')")],
    ),
    ("crm.pending_opt_ins(integer)", &[(Blind, "crm.pending_opt_ins()")]),
    ("crm.retention()", &[(Blind, "crm.retention()")]),
    ("crm.consent_log_state()", &[(Blind, "crm.consent_log_state()")]),
    ("crm.verify_consent_log(bigint,text)", &[(Blind, "crm.verify_consent_log()")]),
    ("crm.save_wording(text,text,text)", &[(Blind, "crm.save_wording('{wording_key}', 'fr', 'words') > 0")]),
    (
        "crm.reachable(text,text,uuid,integer)",
        &[
            (Blind, "crm.reachable('REVIEW_REQUEST')"),
            (Refused, "crm.reachable('EMAIL_MARKETING', '{venue}')"),
        ],
    ),
    (
        "crm.reachable_counts(text)",
        &[(Blind, "crm.reachable_counts()"), (Refused, "crm.reachable_counts('{venue}')")],
    ),
    (
        "crm.reachable_members(integer)",
        &[(Refused, "crm.reachable_members({segment})"), (Refused, "crm.reachable_members({org_segment})")],
    ),
    (
        "crm.recipients(integer,text,uuid,integer)",
        &[
            (Refused, "crm.recipients({segment}, 'EMAIL_MARKETING')"),
            (Refused, "crm.recipients({org_segment}, 'EMAIL_MARKETING')"),
        ],
    ),
    (
        "crm.set_do_not_contact(text,boolean,text)",
        &[(Refused, "crm.set_do_not_contact('{guest}', true, 'why')")],
    ),
    ("crm.suppress_address(text,text)", &[(Blind, "crm.suppress_address('{email}', 'bounce')")]),
    ("crm.lift_suppression(text)", &[(Blind, "crm.lift_suppression('{email}')")]),
    (
        "crm.guest_link(text,text,text,text)",
        &[
            (Refused, "crm.guest_link('{guest}', 'preferences')"),
            (Refused, "crm.guest_link('{own_guest}', 'preferences', venue => '{venue}')"),
        ],
    ),
    (
        "crm.unsubscribe_tokens(text,uuid[],text)",
        &[
            (Blind, "crm.unsubscribe_tokens('EMAIL_MARKETING', ARRAY[crm.key('{guest}')])"),
            (Refused, "crm.unsubscribe_tokens('EMAIL_MARKETING', ARRAY[crm.key('{own_guest}')], '{venue}')"),
        ],
    ),
    // Erasure and objections.
    ("crm.request_erasure(text,text)", &[(Refused, "crm.request_erasure('{double}', 'he asked')")]),
    ("crm.ask_erasure(text)", &[(Refused, "crm.ask_erasure('{double}') IS NOT NULL")]),
    ("crm.cancel_erasure(text)", &[(Alike, "crm.cancel_erasure('{guest}')")]),
    (
        "crm.execute_erasure(text,boolean,text)",
        &[(Refused, "crm.execute_erasure('{double}', true, 'he asked')")],
    ),
    ("crm.erasures(text,integer,bigint)", &[(Blind, "crm.erasures()")]),
    ("crm.export_customer(text)", &[(Refused, "crm.export_customer('{guest}')")]),
    ("crm.export_customer_csv(text)", &[(Refused, "crm.export_customer_csv('{guest}')")]),
    (
        "crm.set_profiling(text,boolean,text)",
        &[(Refused, "crm.set_profiling('{double}', false, 'he objects')")],
    ),
    ("crm.set_retention(integer,integer,integer)", &[(Blind, "crm.set_retention(24, 24, 24)")]),
    ("crm.dropped()", &[(Blind, "crm.dropped()")]),
    ("crm.retention_preview(integer,integer,integer)", &[(Blind, "crm.retention_preview(1, 1, 1)")]),
    // What the service asks for.
    ("crm.guest_version(text,boolean)", &[(Refused, "crm.guest_version('{guest}', false) IS NOT NULL")]),
    (
        "crm.saved_version(integer,boolean)",
        &[
            (Refused, "crm.saved_version({segment}, false) IS NOT NULL"),
            (Refused, "crm.saved_version({org_segment}, false) IS NOT NULL"),
        ],
    ),
    (
        "crm.settings_version(text,boolean)",
        &[(Refused, "crm.settings_version('{venue}', false) IS NOT NULL")],
    ),
    ("crm.whoami()", &[(Blind, "crm.whoami()")]),
    ("crm.principal_list()", &[(Blind, "crm.principal_list()")]),
    (
        "crm.add_principal(text,text,text[],text)",
        &[(Alike, "crm.add_principal('New', 'staff', ARRAY['{venue}']) IS NOT NULL")],
    ),
    ("crm.change_principal(uuid,text,text[])", &[(Refused, "crm.change_principal('{principal}', 'reader')")]),
    ("crm.key_list()", &[(Blind, "crm.key_list()")]),
    ("crm.add_key(uuid,text,timestamp with time zone)", &[(Refused, "crm.add_key('{principal}', 'new')")]),
    ("crm.revoke_key(uuid)", &[(Refused, "crm.revoke_key('{key}')")]),
    ("crm.recall_answer(text,bytea)", &[(Blind, "crm.recall_answer('a key', sha256('a'))")]),
    (
        "crm.keep_answer(text,bytea,text)",
        &[(
            Blind,
            "(SELECT crm.keep_answer('key ' || COALESCE(r, ''), sha256('a'), '[]') FROM crm.recall_answer('a key', sha256('a')) AS r)",
        )],
    ),
    ("crm.job_list()", &[(Blind, "crm.job_list()")]),
    ("crm.job_runs(bigint,integer)", &[(Blind, "crm.job_runs()")]),
    ("crm.note_list(text,bigint,integer)", &[(Refused, "crm.note_list('{guest}')")]),
    (
        "crm.one_segment(integer)",
        &[(Refused, "crm.one_segment({segment})"), (Refused, "crm.one_segment({org_segment})")],
    ),
    ("crm.segments_of(text)", &[(Refused, "crm.segments_of('{guest}')")]),
    (
        "crm.segment_events(integer,jsonb,integer)",
        &[(Refused, "crm.segment_events({segment})"), (Refused, "crm.segment_events({org_segment})")],
    ),
    (
        "crm.segment_members(integer,uuid,integer)",
        &[(Refused, "crm.segment_members({segment})"), (Refused, "crm.segment_members({org_segment})")],
    ),
    (
        "crm.segment_overrides(integer)",
        &[(Refused, "crm.segment_overrides({segment})"), (Refused, "crm.segment_overrides({org_segment})")],
    ),
    ("crm.venue_days(text,date,date)", &[(Refused, "crm.venue_days('{venue}', '2025-03-01', '2025-03-31')")]),
    ("crm.verify_own_venue(text,integer)", &[(Refused, "crm.verify_own_venue('{venue}')")]),
    ("crm.repair_own_venue(text)", &[(Refused, "crm.repair_own_venue('{venue}')")]),
    ("crm.recompute_own_venue(text)", &[(Refused, "crm.recompute_own_venue('{venue}')")]),
];

/// Functions that take and give nothing of a tenant, and why.
pub const UNBOUND: &[(&str, &str)] = &[
    ("crm.binding_findings(text)", "the installation's bindings, common to all"),
    ("crm.plan_binding(text,text,jsonb)", "the installation's tables, common to all"),
    ("crm.night_may_start()", "the installation's job, common to all"),
    ("crm.suggest_binding()", "the installation's tables, common to all"),
    ("crm.binding_list()", "the installation's bindings, common to all"),
    ("crm.check_pii_map()", "the installation's tables, common to all"),
    ("crm.pii_columns()", "the installation's tables, common to all"),
    ("crm.expect_version(text,text[])", "of its arguments alone"),
    ("crm.open_session(bytea,interval)", "the service's alone: a key says whose"),
    ("crm.outbox_length()", "a number for the service's metrics, over all"),
    ("crm.sign_in_subject(text,text)", "the service's alone: it says who calls"),
    ("crm.close_session(bytea)", "the service's alone: a token says whose"),
    ("crm.confirm_opt_in(text,inet,text)", "the service's alone: a mailed token says whose"),
    ("crm.confirm_erasure(text)", "a mailed token says whose"),
    ("crm.ask_erasure_by_link(text)", "the service's alone: a mailed token says whose"),
    ("crm.public_link(text)", "the service's alone: a mailed token says whose"),
    ("crm.save_link_preferences(text,jsonb,inet,text)", "the service's alone: a mailed token says whose"),
    ("crm.unsubscribe(text,inet,text)", "the service's alone: a mailed token says whose"),
    ("crm.take_mail(integer)", "the service's mail worker sends everybody's"),
    ("crm.mail_done(bigint,text,boolean)", "the service's mail worker sends everybody's"),
];

/// Functions by which who is limited to a venue changes rows of others, and why.
pub const OVER_VENUES: &[(&str, &str)] = &[
    ("crm.block_customer(text,text)", "who is blocked is not written to by any venue"),
    ("crm.set_do_not_contact(text,boolean,text)", "who asked one venue to be left alone asked all"),
    ("crm.suppress_address(text,text)", "an address bounces for every venue"),
    ("crm.lift_suppression(text)", "an address is the guest's, not a venue's"),
    ("crm.set_profiling(text,boolean,text)", "who objects objects everywhere"),
    ("crm.request_erasure(text,text)", "who asks to be forgotten is not written to by anybody"),
    ("crm.ask_erasure(text)", "guests are the organisation's"),
    ("crm.execute_erasure(text,boolean,text)", "who is forgotten is forgotten by every venue"),
];
