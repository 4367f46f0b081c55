-- What SQL Server tells of itself, as tables and views of SQLite; sys.default_constraints and others are as far as
-- SQLAlchemy asks.
CREATE TABLE "sys.schemas" (name TEXT COLLATE tsql_ci, schema_id INT, principal_id INT);
CREATE TABLE "sys.types" (name TEXT COLLATE tsql_ci, system_type_id INT, user_type_id INT, max_length INT,
    is_user_defined INT, schema_id INT);
CREATE TABLE "sys.objects" (object_id INTEGER PRIMARY KEY, name TEXT COLLATE tsql_ci, schema_id INT,
    parent_object_id INT, type TEXT COLLATE tsql_ci, type_desc TEXT, is_ms_shipped INT, definition TEXT);
CREATE TABLE "sys.columns" (object_id INT, name TEXT COLLATE tsql_ci, column_id INT, system_type_id INT,
    user_type_id INT, max_length INT, precision INT, scale INT, collation_name TEXT, is_nullable INT,
    is_identity INT, is_computed INT, default_object_id INT, declared TEXT, default_text TEXT);
CREATE TABLE "sys.indexes" (object_id INT, name TEXT COLLATE tsql_ci, index_id INT, type INT, type_desc TEXT,
    is_unique INT, is_primary_key INT, is_unique_constraint INT, is_disabled INT, has_filter INT,
    filter_definition TEXT, is_hypothetical INT);
CREATE TABLE "sys.index_columns" (object_id INT, index_id INT, index_column_id INT, column_id INT, key_ordinal INT,
    is_descending_key INT, is_included_column INT);
CREATE VIEW "sys.tables" AS SELECT * FROM "sys.objects" WHERE type = 'U';
CREATE VIEW "sys.views" AS SELECT * FROM "sys.objects" WHERE type = 'V';
CREATE VIEW "sys.all_columns" AS SELECT * FROM "sys.columns";
CREATE VIEW "sys.all_objects" AS SELECT * FROM "sys.objects";
CREATE VIEW "sys.system_views" AS SELECT 'dm_exec_sessions' AS name;
CREATE VIEW "sys.dm_exec_sessions" AS SELECT tsql_global('SPID') AS session_id, 2 AS transaction_isolation_level;
CREATE VIEW "sys.databases" AS SELECT 'claims' AS name, 5 AS database_id, 0 AS is_read_only, 0 AS state,
    1 AS snapshot_isolation_state, 1 AS is_read_committed_snapshot_on;
CREATE VIEW "sys.default_constraints" AS SELECT object_id + 1000000 * column_id AS object_id, object_id AS
    parent_object_id, column_id AS parent_column_id, default_text AS definition, NULL AS name FROM "sys.columns"
    WHERE default_object_id <> 0;
CREATE VIEW "sys.identity_columns" AS SELECT *, 1 AS seed_value, 1 AS increment_value FROM "sys.columns"
    WHERE is_identity = 1;
CREATE TABLE "sys.computed_columns" (object_id INT, column_id INT, definition TEXT, is_persisted INT);
CREATE TABLE "sys.extended_properties" (class INT, name TEXT, major_id INT, minor_id INT, value TEXT);
CREATE VIEW "sys.key_constraints" AS SELECT object_id AS parent_object_id, name, index_id AS unique_index_id,
    CASE is_primary_key WHEN 1 THEN 'PK' ELSE 'UQ' END AS type FROM "sys.indexes"
    WHERE is_primary_key = 1 OR is_unique_constraint = 1;
CREATE VIEW "information_schema.schemata" AS SELECT 'claims' AS CATALOG_NAME, name AS SCHEMA_NAME FROM "sys.schemas";
CREATE VIEW "information_schema.tables" AS SELECT 'claims' AS TABLE_CATALOG, s.name AS TABLE_SCHEMA,
    o.name AS TABLE_NAME, CASE o.type WHEN 'U' THEN 'BASE TABLE' ELSE 'VIEW' END AS TABLE_TYPE
    FROM "sys.objects" o JOIN "sys.schemas" s ON s.schema_id = o.schema_id WHERE o.type IN ('U', 'V');
CREATE VIEW "information_schema.columns" AS SELECT 'claims' AS TABLE_CATALOG, s.name AS TABLE_SCHEMA,
    o.name AS TABLE_NAME, c.name AS COLUMN_NAME, c.column_id AS ORDINAL_POSITION, c.default_text AS COLUMN_DEFAULT,
    CASE c.is_nullable WHEN 1 THEN 'YES' ELSE 'NO' END AS IS_NULLABLE, t.name AS DATA_TYPE,
    CASE WHEN c.max_length = -1 THEN -1 WHEN t.name IN ('nvarchar', 'nchar') THEN c.max_length / 2
        WHEN t.name IN ('varchar', 'char', 'varbinary', 'binary') THEN c.max_length END AS CHARACTER_MAXIMUM_LENGTH,
    CASE WHEN c.precision > 0 THEN c.precision END AS NUMERIC_PRECISION,
    CASE WHEN c.precision > 0 THEN c.scale END AS NUMERIC_SCALE,
    CASE WHEN t.name IN ('datetime2', 'time') THEN c.scale END AS DATETIME_PRECISION,
    c.collation_name AS COLLATION_NAME
    FROM "sys.columns" c JOIN "sys.objects" o ON o.object_id = c.object_id
    JOIN "sys.schemas" s ON s.schema_id = o.schema_id JOIN "sys.types" t ON t.system_type_id = c.system_type_id;
CREATE VIEW "information_schema.table_constraints" AS SELECT 'claims' AS CONSTRAINT_CATALOG,
    s.name AS CONSTRAINT_SCHEMA, i.name AS CONSTRAINT_NAME, 'claims' AS TABLE_CATALOG, s.name AS TABLE_SCHEMA,
    o.name AS TABLE_NAME, CASE i.is_primary_key WHEN 1 THEN 'PRIMARY KEY' ELSE 'UNIQUE' END AS CONSTRAINT_TYPE
    FROM "sys.indexes" i JOIN "sys.objects" o ON o.object_id = i.object_id
    JOIN "sys.schemas" s ON s.schema_id = o.schema_id WHERE i.is_primary_key = 1 OR i.is_unique_constraint = 1;
CREATE VIEW "information_schema.key_column_usage" AS SELECT 'claims' AS CONSTRAINT_CATALOG,
    s.name AS CONSTRAINT_SCHEMA, i.name AS CONSTRAINT_NAME, s.name AS TABLE_SCHEMA, o.name AS TABLE_NAME,
    c.name AS COLUMN_NAME, x.key_ordinal AS ORDINAL_POSITION
    FROM "sys.indexes" i JOIN "sys.objects" o ON o.object_id = i.object_id
    JOIN "sys.schemas" s ON s.schema_id = o.schema_id
    JOIN "sys.index_columns" x ON x.object_id = i.object_id AND x.index_id = i.index_id
    JOIN "sys.columns" c ON c.object_id = i.object_id AND c.column_id = x.column_id
    WHERE i.is_primary_key = 1 OR i.is_unique_constraint = 1;
INSERT INTO "sys.schemas" VALUES ('dbo', 1, 1), ('guest', 2, 2), ('sys', 4, 4), ('INFORMATION_SCHEMA', 3, 3);
