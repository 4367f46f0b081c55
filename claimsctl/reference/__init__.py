"""Reference tables: what ships, in which edition, and where it came from."""

from claimsctl.reference.locate import data_path
from claimsctl.reference.names import DECLARED
from claimsctl.reference.tables import Edition, Table, Tables
from claimsctl.reference.views import TableView, table_view

__all__ = ["DECLARED", "Edition", "Table", "TableView", "Tables", "data_path", "table_view"]
