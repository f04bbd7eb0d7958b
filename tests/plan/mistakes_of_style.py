"""Mistakes in how figures and tables are to look.

What is changed in the small study (path → value), and the one line that a person reads.
"""

from __future__ import annotations

from typing import Any

from tests.plan.mistakes_of_choices import A

STYLE: dict[str, tuple[dict[str, Any], str]] = {
    "a width that is none": (
        {"style": {"width": "wide"}},
        "style.width: 'wide' is no width; give single, double, slide, or a length of 65 to 500 mm such as 85 mm, "
        "3.3 in",
    ),
    "a width without a unit": (
        {"style": {"width": 85}},
        "style.width: 85 is no width; give single, double, slide, or a length of 65 to 500 mm such as 85 mm, 3.3 in",
    ),
    "a width of a hair": (
        {"style": {"width": "8.5 mm"}},
        "style.width: '8.5 mm' is no width; give single, double, slide, or a length of 65 to 500 mm such as 85 mm, "
        "3.3 in",
    ),
    "a palette that seaborn does not know": (
        {"style": {"palette": "colorblnd"}},
        "style.palette: 'colorblnd' is not a palette of seaborn; did you mean 'colorblind'?",
    ),
    "a colour by its name": (
        {"style": {"palette": ["#0173b2", "red"]}},
        "style.palette: 'red' is no colour; give one such as '#0173b2'",
    ),
    "a font that is not installed": (
        {"style": {"font": "DejaVu Sams"}},
        "style.font: the font 'DejaVu Sams' is not installed on this machine; did you mean 'DejaVu Sans'?",
    ),
    "a format that there is not": (
        {"style": {"formats": ["svg", "jpg"]}},
        "style.formats[1]: 'jpg' is refused; give one of 'svg', 'pdf' or 'png'",
    ),
    "a key of style that there is not": (
        {"style": {"widht": "single"}},
        "style.widht: 'widht' is not a key; did you mean 'width'?",
    ),
    "style that is text": (
        {"style": "single"},
        "style: 'single' is refused; give how figures look, such as {width: single, formats: [svg, pdf]}",
    ),
    "a panel that there is not": (
        {f"{A}.figure": {"panels": ["test_accuracy", "curve"]}},
        f"{A}.figure.panels[1]: 'curve' is not a panel of this comparison; did you mean 'curves'?",
    ),
    "a panel twice": (
        {f"{A}.figure": {"panels": ["curves", "curves"]}},
        f"{A}.figure.panels[1]: 'curves' is listed twice; keep one",
    ),
    "a column of no metric that is shown": (
        {f"{A}.table": {"columns": ["test_acuracy", "runs"]}},
        f"{A}.table.columns[0]: 'test_acuracy' is not a column of this comparison; did you mean 'test_accuracy'?",
    ),
    "a header of a column that there is not": (
        {f"{A}.table": {"columns": {"test_accuracy": "Accuracy", "tuned": "Rate"}}},
        f"{A}.table.columns.tuned: 'tuned' is not a column of this comparison; known: arm, test_accuracy, runs",
    ),
    "columns without 'columns'": (
        {f"{A}.table": ["test_accuracy"]},
        f'{A}.table: ["test_accuracy"] is refused; give the columns, such as {{columns: [test_accuracy, runs]}}',
    ),
    "a key of tables that there is not": (
        {f"{A}.table": {"columns": ["runs"], "colums": 1}},
        f"{A}.table.colums: 'colums' is not a key; did you mean 'columns'?",
    ),
}
