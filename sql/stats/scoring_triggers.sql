COMMENT ON FUNCTION crm.score_guest() IS 'Fills scores, label and the time of their next change from the totals, under the venue''s rule and as of crm.now(), and records a change of label; trigger of crm.customer_venue_stats';
COMMENT ON FUNCTION crm.forget_scoring() IS 'Has every session read the scoring of a venue anew after it changed; trigger of crm.venue_scoring';
