"""The JSON of results: ``to_json`` writes every type, ``read_*`` reads them back, files of older versions included."""

from samtailor.evaluation.results_json.read import read_click_map, read_results
from samtailor.evaluation.results_json.write import FORMAT, file_json, to_json

__all__ = ["FORMAT", "file_json", "read_click_map", "read_results", "to_json"]
