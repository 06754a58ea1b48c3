"""The licences that a result set holds or names."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("analysis", "0010_catalogue")]

    operations = [
        migrations.CreateModel(
            name="LicenseUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("path", models.TextField()),
                ("line", models.IntegerField(null=True)),
                ("spdx", models.CharField(max_length=1000, null=True)),
                ("name", models.CharField(blank=True, max_length=200)),
                (
                    "source",
                    models.CharField(
                        choices=[("text", "Text"), ("metadata", "Metadata"), ("header", "Header")], max_length=8
                    ),
                ),
                (
                    "place",
                    models.CharField(
                        choices=[("repository", "Repository"), ("package", "Package"), ("vendored", "Vendored")],
                        max_length=10,
                    ),
                ),
                ("confidence", models.FloatField()),
                ("files", models.IntegerField()),
                (
                    "result_set",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="licenses",
                        to="analysis.resultset",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["result_set", "id"], name="licenseuse_set_order")],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(confidence__gte=0, confidence__lte=1), name="licenseuse_confidence_0_to_1"
                    ),
                    models.CheckConstraint(
                        condition=Q(
                            source__in=["text", "metadata", "header"],
                            place__in=["repository", "package", "vendored"],
                        ),
                        name="licenseuse_source_and_place_known",
                    ),
                ],
            },
        ),
    ]
