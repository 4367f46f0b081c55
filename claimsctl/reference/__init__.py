"""Reference tables: what ships, in which edition, and where it came from."""

from claimsctl.reference.locate import data_path
from claimsctl.reference.tables import DECLARED, Edition, Table, Tables, TableView, table_view

__all__ = ["DECLARED", "Edition", "Table", "TableView", "Tables", "data_path", "table_view"]
