"""The command `threadrun`: checks templates before they are deployed, and tells what became of runs.

What a template may say is the layer's to know (`threadrun.schema`): nothing here repeats a rule of it.
"""
