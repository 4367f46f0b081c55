from tests.tds.fixtures import driver, tds, tds_database, tds_process

__all__ = ["driver", "tds", "tds_database", "tds_process"]
