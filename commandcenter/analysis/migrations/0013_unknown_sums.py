"""Let sums of a day be unknown, and find the decisions of the last hour."""

from django.db import migrations, models

SUMS = ("critical", "high", "medium", "low", "info", "suppressed")
UNKNOWN = ", ".join(f"{name} = NULL" for name in (*SUMS, "lines_of_code", "dependencies"))


class Migration(migrations.Migration):
    dependencies = [("analysis", "0012_unread_files")]

    operations = [
        *(
            migrations.AlterField(
                model_name="portfolioday", name=name, field=models.PositiveIntegerField(null=True)
            )
            for name in SUMS
        ),
        migrations.AlterField(
            model_name="portfolioday", name="lines_of_code", field=models.BigIntegerField(null=True)
        ),
        migrations.AlterField(
            model_name="portfolioday", name="dependencies", field=models.PositiveBigIntegerField(null=True)
        ),
        # Of the days before, only those are known to be unknown on which nothing was analysed.
        migrations.RunSQL(
            f"UPDATE analysis_portfolioday SET {UNKNOWN} WHERE analysed = 0", migrations.RunSQL.noop
        ),
        migrations.AddIndex(
            model_name="findingaction",
            index=models.Index(
                condition=models.Q(kind__in=["suppressed", "reopened", "expired"]),
                fields=["at"],
                name="findingaction_decided",
            ),
        ),
    ]
