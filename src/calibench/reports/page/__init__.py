"""The parts of report.html: what each section shows, as plain values for the template."""
