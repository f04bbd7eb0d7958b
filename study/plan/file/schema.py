"""The JSON Schema of study files, so that editors complete and check them: that of the models which read them."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import DictSchema

from study.plan.file.models import StudyFile

PATH = Path(__file__).parents[3] / "config" / "study.schema.json"


class _Plain(GenerateJsonSchema):
    """Without generated titles (``Lr``), which say less than the key; and mappings have no key of another pattern."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def dict_schema(self, schema: DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        return made | {"additionalProperties": False} if "patternProperties" in made else made

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        made = super().generate(schema, mode)
        return {"$schema": self.schema_dialect, **made, "title": "Evenhand study"}


def text() -> str:
    schema = StudyFile.model_json_schema(schema_generator=_Plain)
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
