"""A small collection of real papers, to try things on.

Source: an excerpt of SciRepEval's sample data (ODC-BY 1.0), see NOTICE beside this file.
"""

from pathlib import Path

SAMPLE_PAPERS = Path(__file__).parent / "papers.jsonl"
"""JSON lines: papers of many fields with title, abstract, year, venue and authors."""
