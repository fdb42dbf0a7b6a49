"""Catalog databases, and the Athena workgroup with its named queries."""

from dataclasses import asdict

from local.provision.account import Account, found
from shoplake.athena import StoredQuery, stored_queries
from shoplake.aws import client
from shoplake.sql_files import NamedQuery, named_queries

_GIGABYTE = 1_000_000_000


def provision(account: Account) -> None:
    for name in account.lake.inventory.databases:
        _ensure_database(account, name)
    _ensure_workgroup(account)
    _ensure_named_queries(account)


def _ensure_database(account: Account, name: str) -> None:
    """A database whose tables live in the zone of the same name."""
    glue, database = client("glue"), account.lake.database(name)
    wanted = {"Name": database, "LocationUri": account.lake.uri(account.lake.zone(name))}
    answer = found(glue.get_database, "EntityNotFoundException", Name=database)
    account.ensure(
        f"database {database}",
        answer and answer["Database"],
        wanted,
        create=lambda: glue.create_database(DatabaseInput=wanted),
        update=lambda: glue.update_database(Name=database, DatabaseInput=wanted),
    )


def _ensure_workgroup(account: Account) -> None:
    """A workgroup whose settings clients can't override: where results go, and how much a query may scan."""
    athena, lake = client("athena"), account.lake
    results = {"OutputLocation": lake.uri(lake.zone("athena_results"))}
    wanted = {
        "EnforceWorkGroupConfiguration": True,
        "PublishCloudWatchMetricsEnabled": True,
        "BytesScannedCutoffPerQuery": lake.inventory.athena.max_scanned_gb * _GIGABYTE,
    }
    names = [group["Name"] for page in _workgroup_pages() for group in page["WorkGroups"]]
    present = None
    if lake.workgroup in names:
        present = athena.get_work_group(WorkGroup=lake.workgroup)["WorkGroup"]["Configuration"]
        present |= {"OutputLocation": present.get("ResultConfiguration", {}).get("OutputLocation")}
    account.ensure(
        f"workgroup {lake.workgroup}",
        present,
        wanted | results,
        create=lambda: athena.create_work_group(
            Name=lake.workgroup, Configuration=wanted | {"ResultConfiguration": results}
        ),
        update=lambda: athena.update_work_group(
            WorkGroup=lake.workgroup, ConfigurationUpdates=wanted | {"ResultConfigurationUpdates": results}
        ),
    )


def _workgroup_pages():
    """Pages of workgroups; boto3 has no paginator for them."""
    athena = client("athena")
    page = athena.list_work_groups()
    yield page
    while token := page.get("NextToken"):
        page = athena.list_work_groups(NextToken=token)
        yield page


def _ensure_named_queries(account: Account) -> None:
    """The files under `queries/`, and none that has lost its file. What people saved themselves is left alone."""
    stored = [query for query in stored_queries(account.lake) if query.has_file]
    present = {query.name: query for query in stored}
    declared = named_queries(account.lake)
    for query in declared:
        _ensure_named_query(account, query, present.get(query.name))
    for name in present.keys() - {query.name for query in declared}:
        client("athena").delete_named_query(NamedQueryId=present[name].query_id)
        account.changed(f"deleted named query {name}")


def _ensure_named_query(account: Account, query: NamedQuery, present: StoredQuery | None) -> None:
    """One that differs is made anew: the local AWS can't update it, and nobody keeps its id."""
    athena, lake = client("athena"), account.lake
    wanted = {"description": query.stored_description, "sql": query.sql, "database": lake.database("curated")}

    def create() -> None:
        athena.create_named_query(
            Name=query.name,
            Description=wanted["description"],
            Database=wanted["database"],
            QueryString=wanted["sql"],
            WorkGroup=lake.workgroup,
        )

    def replace() -> None:
        athena.delete_named_query(NamedQueryId=present.query_id)
        create()

    account.ensure(f"named query {query.name}", present and asdict(present), wanted, create, replace)
