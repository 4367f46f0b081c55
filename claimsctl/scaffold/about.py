"""Every setting in words: an example value as TOML, and what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SECTIONS_ABOUT: Final[Mapping[str, str]] = {
    "mapping": "Headers of your exports that claimsctl does not know by itself: theirs = ours. "
    "docs/columns.md has all columns. --map goes first.",
    "practice": "Your practices as billing providers, each a table [practice.<id>]. They fill columns that a "
    "file does not have or leaves blank. --practice <id> names one.",
    "payers": "Payers that the shipped list does not have, and what is different for those it has, each a "
    "table [payers.<payer_id>].",
    "rules": "Which rules run, and how severe they are. Packs in rules/ load by themselves.",
    "process": "Defaults of the options of `claimsctl process`; flags go first.",
    "output": "Patients' data in the files of `claimsctl process` (docs/security.md).",
    "inbox": "Runs with --move-to or --on-error (docs/inbox.md).",
    "pricing": "The terms lines are priced on (docs/pricing.md); what is not set is as Medicare pays.",
    "scoring": "Denial risks of accepted claims (docs/risk.md).",
    "reference": "Where `claimsctl reference fetch` gets tables, if not from their publishers.",
    "payer_route": "What differs from the connector of a payer route, each a table [payer_route.<route>] "
    "(docs/status.md). `claimsctl payers list` shows the routes.",
    "payer_account": "Credentials that several payers share, each a table [payer_account.<id>].",
    "payer_map": "Which payer an insurance id of your files means, and how it is asked, each a table "
    '[payer_map."INS001"]. `claimsctl payers map add` writes them.',
    "sql": "Databases that claims are read from or written to, each a table [sql.<name>] (docs/sql.md). "
    "`claimsctl sql test --to <name>` tries one.",
    "security": "Patient data: sessions, training, retention, limits (docs/security.md).",
    "log": "A log for those who look after the machine: commands, jobs, counts and times, no patient data "
    "(docs/logs.md). --log goes first.",
}
"""What each table of claimsctl.toml is for."""

ABOUT: Final[Mapping[str, tuple[str, str]]] = {
    "practice.name": ('"Maple Street Health, PLLC"', "Name of the practice; fills billing_name."),
    "practice.npi": ('"1330200654"', "NPI that bills; fills billing_npi."),
    "practice.tax_id": ('"044410275"', "Tax number; fills billing_tax_id."),
    "practice.taxonomy": ('"193200000X"', "Taxonomy code; fills billing_taxonomy."),
    "practice.address": ('"410 Maple Street"', "Street; fills billing_address."),
    "practice.city": ('"Worcester"', "City; fills billing_city."),
    "practice.state": ('"MA"', "State; fills billing_state."),
    "practice.zip": ('"016082201"', "ZIP code, better with its last four digits; fills billing_zip."),
    "practice.locality": (
        '"14212/99"',
        "Medicare locality, carrier/locality; fills medicare_locality. `claimsctl reference show gpci` "
        "lists them.",
    ),
    "practice.practice_type": (
        '"therapy"',
        "Kind of practice; therapy allows only the usual psychotherapy codes.",
    ),
    "practice.payer": ('"87726"', "Payer of lines that name none."),
    "practice.profile": (
        '"session"',
        "Which columns a file must have: those of claims, of a list of sessions, or of status requests.",
    ),
    "practice.constants": ('{ place_of_service = "11" }', "Values for any other columns."),
    "practice.network": ('{ "87726" = "in" }', "Whether you are in the network of a payer, in or out."),
    "practice.coverage": ('{ "87726" = "group therapy by telehealth" }', "What is agreed with a payer."),
    "practice.rules": (
        '{ without = ["DX-0*"] }',
        "What differs from [rules] for this practice: without, only and severity.",
    ),
    "rules.packs": (
        '["shared/our_rules.toml"]',
        "Further rule packs, beside this file or by their whole path.",
    ),
    "rules.without": ('["FIN-004", "TEL-*"]', "Rules that do not run, by code or pattern."),
    "rules.only": ('["PAT-*", "FIN-*"]', "Only these rules run."),
    "rules.severity": (
        '{ "PRV-031" = "info" }',
        "Other severities. An error rejects the claim, a warning or info never does.",
    ),
    "rules.payer": (
        '{ "87726" = { without = ["MOD-018"], severity = { "AUT-*" = "warning" } } }',
        "What differs for a payer: without, only and severity, also as a table [rules.payer.<payer_id>].",
    ),
    "rules.suppress": (
        '[{ code = "MOD-018", reason = "accepted until the edit is live, ticket 4417", until = 2026-12-31, '
        'payer_id = "87726" }]',
        "Findings put aside for a reason until a day, also as tables [[rules.suppress]]. They are counted "
        "in the summary. Keys: {suppress_keys}.",
    ),
    "process.practice": ('"maple-street"', "The practice of runs that name none: an id of [practice.<id>]."),
    "process.payer": ('"87726"', "Payer of lines that name none."),
    "process.profile": ('"professional"', "Which columns a file must have."),
    "process.practice_type": ('"therapy"', "Kind of practice, where the practice does not say it."),
    "process.out": (
        '"checked"',
        "Output directory of every run. It is never written to twice: leave it out, and each run makes "
        "claimsctl-out/<job>.",
    ),
    "process.output_format": ('"parquet"', "Format of the accepted claims."),
    "process.batch_size": (
        "30000",
        "Lines held in memory at a time, 100 to 5000000; 30000 where it is not set.",
    ),
    "process.duplicates": (
        '"error"',
        "A claim that was accepted before and comes again with other content is an error, is skipped, or "
        "takes the place of the old version.",
    ),
    "process.fail_on": ('"error"', "Exit with 1 when there are findings of this severity or above."),
    "process.safe_csv": (
        "true",
        "Neutralise what a spreadsheet would run as a formula in rejected and accepted CSV files too.",
    ),
    "process.confirm_above_mb": (
        "1000",
        "Ask a person at a terminal before inputs above so many megabytes; 0 never asks. 1000 where it is "
        "not set.",
    ),
    "output.phi": (
        '"encrypt"',
        "Patients' data in accepted, rejected, held and malformed files: plain, encrypt, mask, drop or "
        "deidentify.",
    ),
    "output.dates": ('"year"', "Dates of de-identified files: shift, by patient, or year (Safe Harbor)."),
    "inbox.out": ('"outbox"', "Where the output directories of its jobs go; beside this file."),
    "inbox.settle_seconds": (
        "5.0",
        "A file that changes within so many seconds is still being written, and waits for the next run.",
    ),
    "inbox.priority": (
        '{ "urgent*" = 10 }',
        "Priority by pattern of the file name; the highest goes first, 0 without a pattern.",
    ),
    "scoring.enabled": ("true", "Whether accepted claims get a denial risk."),
    "scoring.medium": ("0.2", "From this risk on a claim is medium."),
    "scoring.high": ("0.4", "From this risk on a claim is high."),
    "scoring.hold_above": (
        "0.6",
        "Claims with a higher risk are held back: they go to held.csv, not to the accepted ones.",
    ),
    "scoring.model": (
        '"ours-2026"',
        "The model that scores; where it is not set the one that `claimsctl model use` chose, else points "
        "for what the rules found.",
    ),
    "pricing.enabled": ("true", "Whether lines are priced at all."),
    "pricing.locality": ('"14212/99"', "Medicare locality of lines that name none; goes before ZIP codes."),
    "pricing.qualifying_apm_participant": (
        "true",
        "Pay by the conversion factor of qualifying participants of advanced payment models.",
    ),
    "pricing.work_floor": ("true", "Raise work indices below 1 to 1."),
    "pricing.work_floor_by_edition": (
        '{ "RVU26B" = false }',
        "The same for one edition of the fee schedule.",
    ),
    "pricing.participating": ("true", "Providers take assignment; false computes limiting charges."),
    "pricing.sequestration_percent": (
        "2.0",
        "Percent that sequestration takes off Medicare's share; 2 where it is not set.",
    ),
    "pricing.reduced_services_percent": (
        "50.0",
        "What a line with modifier 52 pays, in percent; without it the contractor decides.",
    ),
    "pricing.provider_percent": (
        '{ "363L" = 85.0 }',
        "Percent of the fee by the beginning of the taxonomy code.",
    ),
    "pricing.charge_factor": (
        "10.0",
        "A charge above so many times the expected amount is taken for a slip; 10 where it is not set.",
    ),
    "reference.base": (
        '"https://mirror.example/cms/"',
        "A directory or address that holds the published files.",
    ),
    "reference.sources": (
        '{ mue = "https://mirror.example/mue-{year}q{quarter}.zip" }',
        "The address of one table, with placeholders (docs/reference.md).",
    ),
    "payer_route.environment": ('"sandbox"', "Ask the payer's own sandbox instead of its live system."),
    "payer_route.base_url": ('"https://payer.example/claims"', "Address instead of the connector's."),
    "payer_route.token_url": ('"https://payer.example/token"', "Where tokens are fetched from, likewise."),
    "payer_route.requests_per_second": ("5.0", "Requests a second, where your contract has another limit."),
    "payer_route.requests_per_day": ("500", "Requests a day likewise, counted over all runs."),
    "payer_route.concurrency": ("4", "Requests that are under way at once."),
    "payer_route.timeout_seconds": ("30.0", "Seconds that a request may take."),
    "payer_route.claim_timeout_seconds": ("120.0", "Seconds that a claim may take with all its requests."),
    "payer_route.cache_minutes": (
        "15.0",
        "An answer that is not older is not asked for again; 0 always asks. The connector says where it is "
        "not set.",
    ),
    "payer_route.proxy": ('"http://proxy.example:3128"', "Proxy for this route."),
    "payer_route.ca_file": ('"certificates/house.pem"', "Certificates to trust, beside those of the system."),
    "payer_route.client_certificate": ('"certificates/client.pem"', "Certificate and key, where asked for."),
    "payer_route.settings": (
        '{ scope = "healthcare-hipaa-transactions" }',
        "Values that the connector lets you set; `claimsctl payers show ROUTE` lists them.",
    ),
    "payer_route.credentials": (
        '{ client_id = "env:UHC_CLIENT_ID", client_secret = "file:/run/secrets/uhc" }',
        "Where the credentials are: env:NAME, file:PATH or keyring:service/user; never the secret itself. "
        "`claimsctl payers show ROUTE` names those a route needs.",
    ),
    "payer_account.credentials": (
        '{ api_key = "keyring:stedi/maple-street" }',
        "Credentials that several payers share; `account` of a payer names this table.",
    ),
    "payer_map.payer_id": ('"87726"', "The payer, by its id or alias in the payer registry."),
    "payer_map.route": ('"uhc"', "How it is asked; the usual way to this payer where it is not set."),
    "payer_map.name": ('"UnitedHealthcare"', "What staff call it."),
    "payer_map.active": ("true", "Whether the entry is used."),
    "payer_map.valid_from": ("2026-01-01", "First day on which it is used."),
    "payer_map.valid_to": ("2026-12-31", "Last day on which it is used."),
    "payer_map.practice": ('"maple-street"', "Only for claims of this practice."),
    "payer_map.account": ('"clearinghouse"', "Credentials of [payer_account.<id>] instead of the route's."),
    "payer_map.credentials": (
        '{ client_id = "env:OTHER_ID", client_secret = "env:OTHER_SECRET" }',
        "Credentials of this entry alone.",
    ),
    "payer_map.tax_id": ('"044410275"', "Tax number under which this payer knows the practice, if another."),
    "payer_map.npi": ('"1330200654"', "NPI under which this payer knows the practice, if another."),
    "payer_map.provider_id": ('"P-10044"', "The payer's own number of the practice."),
    "sql.url": (
        '"mssql+pyodbc://loader@db.example:1433/claims"',
        "Where it is, without a password; also postgresql://user@host/database, sqlite:///file.db, "
        "duckdb:///file.duckdb.",
    ),
    "sql.password": (
        '"env:CLAIMS_DB_PASSWORD"',
        "Where the password is: env:NAME, file:PATH or keyring:service/user; never the password itself.",
    ),
    "sql.schema": ('"dbo"', "Schema of the tables, if not the one that the user works in."),
    "sql.prefix": ('"claimsctl_"', "What the names of our tables begin with."),
    "sql.phi": (
        '"mask"',
        "How columns with patient data are written: as they are, encrypted with the key of this workspace, "
        "masked, dropped, or the rows de-identified. Where it is not set, a person is asked and a script is "
        "refused.",
    ),
    "sql.tables": ('{ claims = "ClaimHeader" }', "Tables of the house in place of ours: ours = theirs."),
    "sql.columns": (
        '{ claims = { claim_number = "ClaimNo", patient_dob = "BirthDate" } }',
        "Their columns by our table and column. Of a table that is named here only these are written.",
    ),
    "sql.batch_claims": ("2000", "Claims written in one transaction, 1 to 100000."),
    "sql.encrypt": (
        '"yes"',
        "Whether the connection is encrypted; strict also checks the certificate. Over a network yes where "
        "it is not set.",
    ),
    "sql.trust_server_certificate": (
        "true",
        "Whether a certificate that nobody vouches for is taken. Where it is not set: no on SQL Server, yes "
        "on PostgreSQL.",
    ),
    "sql.ca_file": ('"certificates/house.pem"', "Certificate that vouches for the server's."),
    "sql.odbc_driver": (
        '"ODBC Driver 18 for SQL Server"',
        "ODBC driver for SQL Server, by its name or the path of its library; the best one installed where it "
        "is not set.",
    ),
    "sql.trusted_connection": ("true", "Log in to SQL Server by Windows or Kerberos, without a password."),
    "sql.table": ('"staging.claims"', "Table or view that claims are read from."),
    "sql.query": ('"SELECT * FROM staging.claims WHERE ready"', "Query that claims are read from, instead."),
    "sql.where": ("\"status = 'NEW'\"", "Which rows of it are read."),
    "sql.order_by": ('["claim_id", "line_no"]', "Columns by which rows have a stable order."),
    "sql.watermark": ('"updated_at"', "Column by which new rows are told from those read before."),
    "sql.write_back": ('"staging.claim_outcome"', "Table that gets the outcome of every row read."),
    "sql.write_back_key": (
        '["claim_id"]',
        "Columns of the source that name a row in it; without, the primary key of the table.",
    ),
    "sql.write_back_create": ("true", "Make that table where it is missing."),
    "security.session_minutes": ("30", "How long `claimsctl keys unlock` opens the keys, 1 to 1440 minutes."),
    "security.training_days": (
        "365",
        "Where users have roles: patient data is shown only to who was trained within so many days.",
    ),
    "security.retention_days": (
        "2190",
        "Claims and patients that were deleted are kept so many days before `claimsctl jobs prune` may "
        "remove them.",
    ),
    "security.purpose": ('"payment"', "Purpose in the audit log of commands that name none with --purpose."),
    "security.seal": (
        '["patient_dob", "patient_zip"]',
        "Columns of the patient that are kept sealed with the name instead of in the stored lines. Rules "
        "then find them blank in claims of earlier runs, and de-identified exports have no ages.",
    ),
    "security.export_rows": ("100000", "Refuse exports with patient data of more lines."),
    "security.phi_per_hour": ("5000", "Refuse to show the data of more patients to one user within an hour."),
    "security.hours": (
        '"07-19"',
        "Hours of work, local time; access to patient data at others is reported as unusual.",
    ),
    "security.many_records": ("1000", "Access to more records at once is reported as unusual."),
    "log.file": (
        '"claimsctl.log"',
        "File that the log is appended to, beside this file or by its whole path.",
    ),
    "log.format": ('"json"', "Lines for people, or one JSON object a line."),
    "payer_map.ids": ('{ availity = "AETNA", stedi = "60054" }', "The payer's ids by route."),
}
"""Settings by table and name; `practice.` stands for every [practice.<id>]."""
