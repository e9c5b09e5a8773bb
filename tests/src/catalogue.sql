-- Everything that PostgreSQL's catalogue says of the CRM's schemas and of the platform's (public), one line an object, without the
-- numbers that differ between two databases. Expressions come without parentheses: PostgreSQL adds some, and
-- names for constants, when it reads its own output. Privileges are listed as they are in effect, whether granted or by default.
WITH schemas AS (
  SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname IN ('crm', 'crm_bi', 'public')
), relations AS (
  SELECT c.* FROM pg_class AS c JOIN schemas AS s ON s.oid = c.relnamespace
  WHERE NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), functions AS (
  SELECT p.*, EXISTS (SELECT FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' AND e.extname = 'pg_crm') AS is_member
  FROM pg_proc AS p JOIN schemas AS s ON s.oid = p.pronamespace
  WHERE NOT EXISTS (SELECT FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' AND e.extname <> 'pg_crm')
), privileges AS (
  SELECT 'schema ' || nspname AS object, COALESCE(nspacl, acldefault('n', nspowner)) AS acl FROM schemas
  UNION ALL
  SELECT 'relation ' || oid::regclass, COALESCE(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)) FROM relations WHERE relkind IN ('r', 'p', 'v', 'S')
  UNION ALL
  SELECT 'function ' || oid::regprocedure, COALESCE(proacl, acldefault('f', proowner)) FROM functions
  UNION ALL
  SELECT 'column ' || a.attrelid::regclass || '.' || quote_ident(a.attname), a.attacl FROM pg_attribute AS a JOIN relations AS r ON r.oid = a.attrelid WHERE a.attacl IS NOT NULL
)
SELECT line FROM (
  SELECT concat_ws(' ', 'schema', nspname, nspowner::regrole, obj_description(oid, 'pg_namespace')) AS line FROM schemas
  UNION ALL
  SELECT concat_ws(' ', 'relation', oid::regclass, relkind, relpersistence, relowner::regrole, 'rls', relrowsecurity, relforcerowsecurity, reloptions,
                   obj_description(oid, 'pg_class'))
  FROM relations WHERE relkind IN ('r', 'p', 'v', 'm', 'c', 'S')
  UNION ALL
  SELECT concat_ws(' ', 'column', a.attrelid::regclass, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum), quote_ident(a.attname),
                   format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END, a.attidentity, a.attgenerated,
                   a.attstattarget, pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum))
  FROM pg_attribute AS a JOIN relations AS r ON r.oid = a.attrelid AND r.relkind IN ('r', 'p', 'v', 'm', 'c')
  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT concat_ws(' ', 'constraint', c.conrelid::regclass, quote_ident(c.conname), translate(pg_get_constraintdef(c.oid), '()', ''), c.convalidated, obj_description(c.oid, 'pg_constraint'))
  FROM pg_constraint AS c JOIN relations AS r ON r.oid = c.conrelid
  UNION ALL
  SELECT concat_ws(' ', 'index', translate(pg_get_indexdef(i.indexrelid), '()', ''), i.indisvalid, obj_description(i.indexrelid, 'pg_class')) FROM pg_index AS i JOIN relations AS r ON r.oid = i.indrelid
  UNION ALL
  SELECT concat_ws(' ', 'view', oid::regclass, md5(translate(regexp_replace(pg_get_viewdef(oid), '(''\w+''::text) AS text\M', '\1', 'g'), '() ' || chr(10), ''))) FROM relations WHERE relkind = 'v'
  UNION ALL
  SELECT concat_ws(' ', 'sequence', seqrelid::regclass, format_type(seqtypid, NULL), seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle) FROM pg_sequence AS s JOIN relations AS r ON r.oid = s.seqrelid
  UNION ALL
  SELECT concat_ws(' ', 'policy', p.polrelid::regclass, p.polname, p.polpermissive, p.polcmd, ARRAY(SELECT r.rolname FROM pg_roles AS r WHERE r.oid = ANY (p.polroles) ORDER BY 1),
                   translate(concat(pg_get_expr(p.polqual, p.polrelid), ' check ', pg_get_expr(p.polwithcheck, p.polrelid)), '()', ''), obj_description(p.oid, 'pg_policy'))
  FROM pg_policy AS p JOIN relations AS r ON r.oid = p.polrelid
  UNION ALL
  SELECT concat_ws(' ', 'trigger', translate(pg_get_triggerdef(t.oid), '()', ''), t.tgenabled, obj_description(t.oid, 'pg_trigger')) FROM pg_trigger AS t JOIN relations AS r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
  UNION ALL
  SELECT concat_ws(' ', 'function', p.oid::regprocedure, p.prokind, p.proowner::regrole, CASE WHEN p.is_member THEN 'of the extension' END,
                   md5(CASE WHEN p.prokind = 'a' THEN (SELECT concat_ws(' ', a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.agginitval) FROM pg_aggregate AS a WHERE a.aggfnoid = p.oid) ELSE pg_get_functiondef(p.oid) END),
                   obj_description(p.oid, 'pg_proc'))
  FROM functions AS p
  UNION ALL
  SELECT concat_ws(' ', 'type', t.oid::regtype, t.typtype, ARRAY(SELECT e.enumlabel FROM pg_enum AS e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder), obj_description(t.oid, 'pg_type'))
  FROM pg_type AS t JOIN schemas AS s ON s.oid = t.typnamespace WHERE t.typtype IN ('e', 'd', 'c')
  UNION ALL
  SELECT concat_ws(' ', 'event trigger', evtname, evtevent, evtenabled, evttags, evtfoid::regprocedure) FROM pg_event_trigger
  UNION ALL
  SELECT concat_ws(' ', 'statistics', pg_get_statisticsobjdef(x.oid)) FROM pg_statistic_ext AS x JOIN schemas AS s ON s.oid = x.stxnamespace
  UNION ALL
  SELECT concat_ws(' ', 'extension', extname, extversion) FROM pg_extension WHERE extname IN ('pg_crm', 'pg_trgm')
  UNION ALL
  SELECT concat_ws(' ', 'privilege', p.object, CASE WHEN x.grantee = 0 THEN 'public' ELSE x.grantee::regrole::text END, x.privilege_type, CASE WHEN x.is_grantable THEN 'with grant option' END)
  FROM privileges AS p, aclexplode(p.acl) AS x
) AS catalogue
ORDER BY line COLLATE "C"
