//! The SQL of every domain, one file a function, in the order of the domains.
//!
//! Bodies are checked when they are called, so functions may call each other across files; still each file
//! names its predecessor, so that the script comes out in this order.

use pgrx::extension_sql_file;

extension_sql_file!("../../sql/schema/bootstrap.sql", bootstrap);
extension_sql_file!("../../sql/schema/now.sql", name = "schema_now", requires = [clock::clock_now]);
extension_sql_file!("../../sql/schema/install.sql", name = "schema_install", requires = ["schema_now"]);
extension_sql_file!(
    "../../sql/schema/local_day.sql",
    name = "schema_local_day",
    requires = ["schema_install"]
);
extension_sql_file!(
    "../../sql/schema/local_day_span.sql",
    name = "schema_local_day_span",
    requires = ["schema_local_day"]
);
extension_sql_file!(
    "../../sql/schema/money_sum.sql",
    name = "schema_money_sum",
    requires = ["schema_local_day_span"]
);
extension_sql_file!(
    "../../sql/schema/schema_version.sql",
    name = "schema_schema_version",
    requires = ["schema_money_sum"]
);
extension_sql_file!(
    "../../sql/schema/uninstall.sql",
    name = "schema_uninstall",
    requires = ["schema_schema_version"]
);
extension_sql_file!(
    "../../sql/venue/find_venue.sql",
    name = "venue_find_venue",
    requires = ["schema_uninstall"]
);
extension_sql_file!(
    "../../sql/venue/mirror_venue.sql",
    name = "venue_mirror_venue",
    requires = ["venue_find_venue"]
);
extension_sql_file!(
    "../../sql/venue/organisation_settings.sql",
    name = "venue_organisation_settings",
    requires = ["venue_mirror_venue"]
);
extension_sql_file!(
    "../../sql/venue/quiet_hours.sql",
    name = "venue_quiet_hours",
    requires = ["venue_organisation_settings"]
);
extension_sql_file!(
    "../../sql/venue/read_settings.sql",
    name = "venue_read_settings",
    requires = ["venue_quiet_hours"]
);
extension_sql_file!(
    "../../sql/venue/scoring_rule.sql",
    name = "venue_scoring_rule",
    requires = ["venue_read_settings"]
);
extension_sql_file!(
    "../../sql/venue/set_region.sql",
    name = "venue_set_region",
    requires = ["venue_scoring_rule"]
);
extension_sql_file!(
    "../../sql/venue/venue_days.sql",
    name = "venue_venue_days",
    requires = ["venue_set_region"]
);
extension_sql_file!(
    "../../sql/venue/venue_list.sql",
    name = "venue_venue_list",
    requires = ["venue_venue_days"]
);
extension_sql_file!(
    "../../sql/venue/venue_settings.sql",
    name = "venue_venue_settings",
    requires = ["venue_venue_list"]
);
extension_sql_file!(
    "../../sql/customer/attach_order.sql",
    name = "customer_attach_order",
    requires = ["venue_venue_settings"]
);
extension_sql_file!(
    "../../sql/customer/capture_customer.sql",
    name = "customer_capture_customer",
    requires = ["customer_attach_order"]
);
extension_sql_file!(
    "../../sql/customer/contact.sql",
    name = "customer_contact",
    requires = ["customer_capture_customer"]
);
extension_sql_file!(
    "../../sql/customer/customer_list.sql",
    name = "customer_customer_list",
    requires = ["customer_contact"]
);
extension_sql_file!(
    "../../sql/customer/customer_profile.sql",
    name = "customer_customer_profile",
    requires = ["customer_customer_list"]
);
extension_sql_file!(
    "../../sql/customer/duplicates.sql",
    name = "customer_duplicates",
    requires = ["customer_customer_profile"]
);
extension_sql_file!(
    "../../sql/customer/ensure_customers.sql",
    name = "customer_ensure_customers",
    requires = ["customer_duplicates"]
);
extension_sql_file!(
    "../../sql/customer/fill_list.sql",
    name = "customer_fill_list",
    requires = ["customer_ensure_customers"]
);
extension_sql_file!(
    "../../sql/customer/fill_profile.sql",
    name = "customer_fill_profile",
    requires = ["customer_fill_list"]
);
extension_sql_file!(
    "../../sql/customer/find_customers.sql",
    name = "customer_find_customers",
    requires = ["customer_fill_profile"]
);
extension_sql_file!(
    "../../sql/customer/lifetime.sql",
    name = "customer_lifetime",
    requires = ["customer_find_customers"]
);
extension_sql_file!(
    "../../sql/customer/list_guests.sql",
    name = "customer_list_guests",
    requires = ["customer_lifetime", list::signature::text_signature]
);
extension_sql_file!(
    "../../sql/customer/list_members.sql",
    name = "customer_list_members",
    requires = ["customer_list_guests"]
);
extension_sql_file!(
    "../../sql/customer/list_page.sql",
    name = "customer_list_page",
    requires = ["customer_list_members", list::list_page]
);
extension_sql_file!(
    "../../sql/customer/list_rows.sql",
    name = "customer_list_rows",
    requires = ["customer_list_page"]
);
extension_sql_file!(
    "../../sql/customer/merge_customers.sql",
    name = "customer_merge_customers",
    requires = ["customer_list_rows"]
);
extension_sql_file!(
    "../../sql/customer/mirror_customer.sql",
    name = "customer_mirror_customer",
    requires = ["customer_merge_customers"]
);
extension_sql_file!(
    "../../sql/customer/read_list_request.sql",
    name = "customer_read_list_request",
    requires = ["customer_mirror_customer"]
);
extension_sql_file!(
    "../../sql/customer/read_profile.sql",
    name = "customer_read_profile",
    requires = ["customer_read_list_request"]
);
extension_sql_file!(
    "../../sql/customer/search_keys.sql",
    name = "customer_search_keys",
    requires = [
        "customer_read_profile",
        contact::known_region,
        contact::phone_e164,
        contact::name_words,
        contact::name_similarity
    ]
);
extension_sql_file!(
    "../../sql/customer/upcoming_birthdays.sql",
    name = "customer_upcoming_birthdays",
    requires = ["customer_search_keys"]
);
extension_sql_file!(
    "../../sql/customer/update_customer.sql",
    name = "customer_update_customer",
    requires = ["customer_upcoming_birthdays"]
);
extension_sql_file!(
    "../../sql/customer/verify_list.sql",
    name = "customer_verify_list",
    requires = ["customer_update_customer"]
);
extension_sql_file!(
    "../../sql/stats/cohort.sql",
    name = "stats_cohort",
    requires = [
        "customer_verify_list",
        cohort::cohort_summary,
        cohort::cohort_totals,
        cohort::cohort_differing,
        cohort::cohort_ratings,
        cohort::cohort_keys,
        cohort::cohort_count,
        cohort::cohort_part,
        cohort::cohort_labels,
        cohort::cohort_first_days,
        cohort::cohort_spend
    ]
);
extension_sql_file!(
    "../../sql/stats/day_totals.sql",
    name = "stats_day_totals",
    requires = ["stats_cohort", day_totals::day_totals_rows]
);
extension_sql_file!(
    "../../sql/stats/explain_rfm.sql",
    name = "stats_explain_rfm",
    requires = ["stats_day_totals"]
);
extension_sql_file!(
    "../../sql/stats/keep_days.sql",
    name = "stats_keep_days",
    requires = ["stats_explain_rfm"]
);
extension_sql_file!(
    "../../sql/stats/label_flow.sql",
    name = "stats_label_flow",
    requires = ["stats_keep_days"]
);
extension_sql_file!(
    "../../sql/stats/note_days.sql",
    name = "stats_note_days",
    requires = ["stats_label_flow"]
);
extension_sql_file!("../../sql/stats/overview.sql", name = "stats_overview", requires = ["stats_note_days"]);
extension_sql_file!("../../sql/stats/own_venue.sql", name = "stats_own_venue", requires = ["stats_overview"]);
extension_sql_file!(
    "../../sql/stats/preview_settings.sql",
    name = "stats_preview_settings",
    requires = ["stats_own_venue"]
);
extension_sql_file!("../../sql/stats/rate.sql", name = "stats_rate", requires = ["stats_preview_settings"]);
extension_sql_file!(
    "../../sql/stats/recompute_venue.sql",
    name = "stats_recompute_venue",
    requires = ["stats_rate"]
);
extension_sql_file!(
    "../../sql/stats/recount_guests.sql",
    name = "stats_recount_guests",
    requires = ["stats_recompute_venue"]
);
extension_sql_file!(
    "../../sql/stats/rescore.sql",
    name = "stats_rescore",
    requires = ["stats_recount_guests"]
);
extension_sql_file!(
    "../../sql/stats/score_venue.sql",
    name = "stats_score_venue",
    requires = ["stats_rescore"]
);
extension_sql_file!(
    "../../sql/stats/scoring_functions.sql",
    name = "stats_scoring_functions",
    requires = [
        "stats_score_venue",
        key::key,
        migration::compiled_migrations,
        migration::library_schema_version,
        scoring::recency_score,
        scoring::frequency_score,
        scoring::monetary_score,
        scoring::label,
        scoring::next_label_day,
        scoring::open_days_between,
        scoring::cut_points_of_numbers,
        scoring::cut_points_of_times,
        scoring::lower_median_of_numbers
    ]
);
extension_sql_file!(
    "../../sql/stats/scoring_triggers.sql",
    name = "stats_scoring_triggers",
    requires = ["stats_scoring_functions", score_guest::score_guest, venue_scoring::forget_scoring]
);
extension_sql_file!(
    "../../sql/stats/settle_orders.sql",
    name = "stats_settle_orders",
    requires = [
        "stats_scoring_triggers",
        order_change::take_order,
        order_change::announce_statement,
        order_change::forget_collected,
        order_change::end_statement,
        order_change::put_off,
        patience::await_guests,
        collected::collected_changes,
        collected::collected_days,
        collected::collected_order
    ]
);
extension_sql_file!(
    "../../sql/stats/upcoming_labels.sql",
    name = "stats_upcoming_labels",
    requires = ["stats_settle_orders"]
);
extension_sql_file!(
    "../../sql/stats/verify_stats.sql",
    name = "stats_verify_stats",
    requires = ["stats_upcoming_labels"]
);
extension_sql_file!(
    "../../sql/stats/verify_venue_days.sql",
    name = "stats_verify_venue_days",
    requires = ["stats_verify_stats"]
);
extension_sql_file!(
    "../../sql/stats/write_scoring.sql",
    name = "stats_write_scoring",
    requires = ["stats_verify_venue_days"]
);
extension_sql_file!(
    "../../sql/segment/criteria.sql",
    name = "segment_criteria",
    requires = [
        "stats_write_scoring",
        criteria::validate_criteria,
        criteria::canonical_criteria,
        criteria::describe_criteria,
        criteria::criteria_schema,
        criteria::criteria_to_query_builder,
        criteria::criteria_from_query_builder,
        criteria::segment_templates,
        criteria::criteria_version
    ]
);
extension_sql_file!("../../sql/segment/facts.sql", name = "segment_facts", requires = ["segment_criteria"]);
extension_sql_file!(
    "../../sql/segment/first_day_reaching.sql",
    name = "segment_first_day_reaching",
    requires = ["segment_facts"]
);
extension_sql_file!(
    "../../sql/segment/follow.sql",
    name = "segment_follow",
    requires = [
        "segment_first_day_reaching",
        segment_follow::follow_guests,
        segment_follow::follow_scope,
        segment_found::guests_to_follow,
        segment::forget_segments,
        segment::asks_for_profile,
        segment::has_segments
    ]
);
extension_sql_file!("../../sql/segment/members.sql", name = "segment_members", requires = ["segment_follow"]);
extension_sql_file!(
    "../../sql/segment/next_anniversary.sql",
    name = "segment_next_anniversary",
    requires = ["segment_members"]
);
extension_sql_file!(
    "../../sql/segment/override.sql",
    name = "segment_override",
    requires = ["segment_next_anniversary"]
);
extension_sql_file!(
    "../../sql/segment/preview.sql",
    name = "segment_preview",
    requires = [
        "segment_override",
        segment_preview::count_criteria,
        segment_preview::criteria_nodes,
        segment_preview::explain_criteria
    ]
);
extension_sql_file!(
    "../../sql/segment/profile_facts.sql",
    name = "segment_profile_facts",
    requires = ["segment_preview"]
);
extension_sql_file!(
    "../../sql/segment/recipients.sql",
    name = "segment_recipients",
    requires = ["segment_profile_facts"]
);
extension_sql_file!(
    "../../sql/segment/refresh.sql",
    name = "segment_refresh",
    requires = ["segment_recipients"]
);
extension_sql_file!(
    "../../sql/segment/segment.sql",
    name = "segment_segment",
    requires = ["segment_refresh", segment::segment_problems, segment::segments_referring_to]
);
extension_sql_file!(
    "../../sql/segment/segment_pages.sql",
    name = "segment_segment_pages",
    requires = ["segment_segment"]
);
extension_sql_file!(
    "../../sql/segment/segment_sizes.sql",
    name = "segment_segment_sizes",
    requires = ["segment_segment_pages"]
);
extension_sql_file!(
    "../../sql/segment/sensitive.sql",
    name = "segment_sensitive",
    requires = ["segment_segment_sizes", segment::sensitive_segments, segment::criteria_are_sensitive]
);
extension_sql_file!(
    "../../sql/preference/derive_guests.sql",
    name = "preference_derive_guests",
    requires = ["segment_sensitive"]
);
extension_sql_file!(
    "../../sql/preference/derive_preferences.sql",
    name = "preference_derive_preferences",
    requires = ["preference_derive_guests"]
);
extension_sql_file!(
    "../../sql/preference/follow_preferences.sql",
    name = "preference_follow_preferences",
    requires = ["preference_derive_preferences", segment::asks_for_preferences]
);
extension_sql_file!(
    "../../sql/preference/health.sql",
    name = "preference_health",
    requires = ["preference_follow_preferences"]
);
extension_sql_file!(
    "../../sql/preference/held_guest.sql",
    name = "preference_held_guest",
    requires = ["preference_health"]
);
extension_sql_file!(
    "../../sql/preference/move_preferences.sql",
    name = "preference_move_preferences",
    requires = ["preference_held_guest"]
);
extension_sql_file!(
    "../../sql/preference/preferences.sql",
    name = "preference_preferences",
    requires = ["preference_move_preferences"]
);
extension_sql_file!(
    "../../sql/preference/preferences_of.sql",
    name = "preference_preferences_of",
    requires = ["preference_preferences"]
);
extension_sql_file!(
    "../../sql/preference/state_preference.sql",
    name = "preference_state_preference",
    requires = ["preference_preferences_of"]
);
extension_sql_file!(
    "../../sql/dossier/dossier.sql",
    name = "dossier_dossier",
    requires = ["preference_state_preference"]
);
extension_sql_file!(
    "../../sql/dossier/last_order.sql",
    name = "dossier_last_order",
    requires = ["dossier_dossier"]
);
extension_sql_file!("../../sql/dossier/note.sql", name = "dossier_note", requires = ["dossier_last_order"]);
extension_sql_file!(
    "../../sql/dossier/note_list.sql",
    name = "dossier_note_list",
    requires = ["dossier_note"]
);
extension_sql_file!("../../sql/dossier/tag.sql", name = "dossier_tag", requires = ["dossier_note_list"]);
extension_sql_file!("../../sql/dossier/timeline.sql", name = "dossier_timeline", requires = ["dossier_tag"]);
extension_sql_file!(
    "../../sql/import/check_import.sql",
    name = "import_check_import",
    requires = ["dossier_timeline"]
);
extension_sql_file!(
    "../../sql/import/create_import.sql",
    name = "import_create_import",
    requires = [
        "import_check_import",
        import::read_guest_file,
        import::guess_columns,
        import::is_consent_column,
        import::day_order,
        import::read_guest_row,
        import::csv_line
    ]
);
extension_sql_file!(
    "../../sql/import/export_customers.sql",
    name = "import_export_customers",
    requires = ["import_create_import"]
);
extension_sql_file!(
    "../../sql/import/import_status.sql",
    name = "import_import_status",
    requires = ["import_export_customers"]
);
extension_sql_file!(
    "../../sql/import/load_consents.sql",
    name = "import_load_consents",
    requires = ["import_import_status"]
);
extension_sql_file!(
    "../../sql/import/load_rows.sql",
    name = "import_load_rows",
    requires = ["import_load_consents"]
);
extension_sql_file!(
    "../../sql/import/map_import.sql",
    name = "import_map_import",
    requires = ["import_load_rows"]
);
extension_sql_file!(
    "../../sql/import/run_import.sql",
    name = "import_run_import",
    requires = ["import_map_import"]
);
extension_sql_file!(
    "../../sql/import/undo_import.sql",
    name = "import_undo_import",
    requires = ["import_run_import"]
);
extension_sql_file!("../../sql/consent/chain.sql", name = "consent_chain", requires = ["import_undo_import"]);
extension_sql_file!(
    "../../sql/consent/consent_history.sql",
    name = "consent_consent_history",
    requires = ["consent_chain"]
);
extension_sql_file!(
    "../../sql/consent/consent_log.sql",
    name = "consent_consent_log",
    requires = ["consent_consent_history"]
);
extension_sql_file!(
    "../../sql/consent/follow_consents.sql",
    name = "consent_follow_consents",
    requires = ["consent_consent_log"]
);
extension_sql_file!(
    "../../sql/consent/guest_link.sql",
    name = "consent_guest_link",
    requires = ["consent_follow_consents"]
);
extension_sql_file!(
    "../../sql/consent/keep_evidence.sql",
    name = "consent_keep_evidence",
    requires = ["consent_guest_link"]
);
extension_sql_file!(
    "../../sql/consent/mail.sql",
    name = "consent_mail",
    requires = ["consent_keep_evidence"]
);
extension_sql_file!("../../sql/consent/opt_in.sql", name = "consent_opt_in", requires = ["consent_mail"]);
extension_sql_file!(
    "../../sql/consent/reachable.sql",
    name = "consent_reachable",
    requires = ["consent_opt_in"]
);
extension_sql_file!(
    "../../sql/consent/record_consent.sql",
    name = "consent_record_consent",
    requires = ["consent_reachable"]
);
extension_sql_file!(
    "../../sql/consent/suppression.sql",
    name = "consent_suppression",
    requires = ["consent_record_consent", secret::keyed_hash]
);
extension_sql_file!(
    "../../sql/consent/wording.sql",
    name = "consent_wording",
    requires = ["consent_suppression"]
);
extension_sql_file!(
    "../../sql/privacy/bind_pii.sql",
    name = "privacy_bind_pii",
    requires = ["consent_wording"]
);
extension_sql_file!(
    "../../sql/privacy/erase_guest.sql",
    name = "privacy_erase_guest",
    requires = ["privacy_bind_pii"]
);
extension_sql_file!(
    "../../sql/privacy/erasures.sql",
    name = "privacy_erasures",
    requires = ["privacy_erase_guest"]
);
extension_sql_file!(
    "../../sql/privacy/execute_erasure.sql",
    name = "privacy_execute_erasure",
    requires = ["privacy_erasures"]
);
extension_sql_file!(
    "../../sql/privacy/export_customer.sql",
    name = "privacy_export_customer",
    requires = ["privacy_execute_erasure"]
);
extension_sql_file!(
    "../../sql/privacy/guest_rows.sql",
    name = "privacy_guest_rows",
    requires = ["privacy_export_customer"]
);
extension_sql_file!(
    "../../sql/privacy/pii_catalogue.sql",
    name = "privacy_pii_catalogue",
    requires = ["privacy_guest_rows"]
);
extension_sql_file!(
    "../../sql/privacy/pii_map.sql",
    name = "privacy_pii_map",
    requires = ["privacy_pii_catalogue"]
);
extension_sql_file!(
    "../../sql/privacy/platform_pii.sql",
    name = "privacy_platform_pii",
    requires = ["privacy_pii_map"]
);
extension_sql_file!(
    "../../sql/privacy/request_erasure.sql",
    name = "privacy_request_erasure",
    requires = ["privacy_platform_pii"]
);
extension_sql_file!(
    "../../sql/privacy/retention.sql",
    name = "privacy_retention",
    requires = ["privacy_request_erasure"]
);
extension_sql_file!(
    "../../sql/privacy/set_profiling.sql",
    name = "privacy_set_profiling",
    requires = ["privacy_retention"]
);
extension_sql_file!(
    "../../sql/binding/bind.sql",
    name = "binding_bind",
    requires = ["privacy_set_profiling"]
);
extension_sql_file!(
    "../../sql/binding/binding_field.sql",
    name = "binding_binding_field",
    requires = ["binding_bind"]
);
extension_sql_file!(
    "../../sql/binding/binding_habits.sql",
    name = "binding_binding_habits",
    requires = ["binding_binding_field"]
);
extension_sql_file!(
    "../../sql/binding/binding_list.sql",
    name = "binding_binding_list",
    requires = ["binding_binding_habits"]
);
extension_sql_file!(
    "../../sql/binding/bound_bodies.sql",
    name = "binding_bound_bodies",
    requires = ["binding_binding_list"]
);
extension_sql_file!(
    "../../sql/binding/bound_function.sql",
    name = "binding_bound_function",
    requires = ["binding_bound_bodies"]
);
extension_sql_file!(
    "../../sql/binding/change_failed.sql",
    name = "binding_change_failed",
    requires = ["binding_bound_function"]
);
extension_sql_file!(
    "../../sql/binding/check_binding.sql",
    name = "binding_check_binding",
    requires = ["binding_change_failed"]
);
extension_sql_file!(
    "../../sql/binding/drift.sql",
    name = "binding_drift",
    requires = ["binding_check_binding"]
);
extension_sql_file!(
    "../../sql/binding/host_table.sql",
    name = "binding_host_table",
    requires = ["binding_drift"]
);
extension_sql_file!(
    "../../sql/binding/mapped_expression.sql",
    name = "binding_mapped_expression",
    requires = ["binding_host_table"]
);
extension_sql_file!(
    "../../sql/binding/read_mapped_field.sql",
    name = "binding_read_mapped_field",
    requires = ["binding_mapped_expression"]
);
extension_sql_file!(
    "../../sql/binding/read_mapping.sql",
    name = "binding_read_mapping",
    requires = ["binding_read_mapped_field"]
);
extension_sql_file!(
    "../../sql/binding/rebind.sql",
    name = "binding_rebind",
    requires = ["binding_read_mapping"]
);
extension_sql_file!(
    "../../sql/binding/suggest_binding.sql",
    name = "binding_suggest_binding",
    requires = ["binding_rebind"]
);
extension_sql_file!(
    "../../sql/binding/trigger_bodies.sql",
    name = "binding_trigger_bodies",
    requires = ["binding_suggest_binding"]
);
extension_sql_file!(
    "../../sql/binding/unbind.sql",
    name = "binding_unbind",
    requires = ["binding_trigger_bodies"]
);
extension_sql_file!(
    "../../sql/binding/write_customer.sql",
    name = "binding_write_customer",
    requires = ["binding_unbind"]
);
extension_sql_file!(
    "../../sql/job/await_transactions.sql",
    name = "job_await_transactions",
    requires = ["binding_write_customer"]
);
extension_sql_file!(
    "../../sql/job/backfill.sql",
    name = "job_backfill",
    requires = ["job_await_transactions"]
);
extension_sql_file!("../../sql/job/health.sql", name = "job_health", requires = ["job_backfill"]);
extension_sql_file!("../../sql/job/in_chunks.sql", name = "job_in_chunks", requires = ["job_health"]);
extension_sql_file!("../../sql/job/job_list.sql", name = "job_job_list", requires = ["job_in_chunks"]);
extension_sql_file!("../../sql/job/job_progress.sql", name = "job_job_progress", requires = ["job_job_list"]);
extension_sql_file!("../../sql/job/job_run.sql", name = "job_job_run", requires = ["job_job_progress"]);
extension_sql_file!("../../sql/job/night_due.sql", name = "job_night_due", requires = ["job_job_run"]);
extension_sql_file!(
    "../../sql/job/outbox_length.sql",
    name = "job_outbox_length",
    requires = ["job_night_due"]
);
extension_sql_file!(
    "../../sql/job/repair_failed.sql",
    name = "job_repair_failed",
    requires = ["job_outbox_length"]
);
extension_sql_file!(
    "../../sql/job/resume_venues.sql",
    name = "job_resume_venues",
    requires = ["job_repair_failed"]
);
extension_sql_file!("../../sql/job/run_night.sql", name = "job_run_night", requires = ["job_resume_venues"]);
extension_sql_file!("../../sql/job/schedule.sql", name = "job_schedule", requires = ["job_run_night"]);
extension_sql_file!("../../sql/job/stop_job.sql", name = "job_stop_job", requires = ["job_schedule"]);
extension_sql_file!("../../sql/job/sweep.sql", name = "job_sweep", requires = ["job_stop_job"]);
extension_sql_file!("../../sql/role/access_log.sql", name = "role_access_log", requires = ["job_sweep"]);
extension_sql_file!(
    "../../sql/role/acting_org.sql",
    name = "role_acting_org",
    requires = ["role_access_log"]
);
extension_sql_file!(
    "../../sql/role/caller.sql",
    name = "role_caller",
    requires = ["role_acting_org", caller::set_caller, caller::named_caller]
);
extension_sql_file!(
    "../../sql/role/create_principal.sql",
    name = "role_create_principal",
    requires = ["role_caller"]
);
extension_sql_file!(
    "../../sql/role/edit_version.sql",
    name = "role_edit_version",
    requires = ["role_create_principal"]
);
extension_sql_file!(
    "../../sql/role/kept_answer.sql",
    name = "role_kept_answer",
    requires = ["role_edit_version"]
);
extension_sql_file!(
    "../../sql/role/principal_list.sql",
    name = "role_principal_list",
    requires = ["role_kept_answer"]
);
extension_sql_file!(
    "../../sql/role/scope_of.sql",
    name = "role_scope_of",
    requires = ["role_principal_list"]
);
extension_sql_file!("../../sql/role/session.sql", name = "role_session", requires = ["role_scope_of"]);
extension_sql_file!("../../sql/role/sign_in.sql", name = "role_sign_in", requires = ["role_session"]);
extension_sql_file!(
    "../../sql/role/sign_in_subject.sql",
    name = "role_sign_in_subject",
    requires = ["role_sign_in"]
);
extension_sql_file!(
    "../../sql/role/visible_venue.sql",
    name = "role_visible_venue",
    requires = ["role_sign_in_subject"]
);
extension_sql_file!("../../sql/bi/cohorts.sql", name = "bi_cohorts", requires = ["role_visible_venue"]);
extension_sql_file!("../../sql/schema/finalize.sql", finalize);
