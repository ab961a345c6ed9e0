"""The file formats of speech recognition, one module each.

`stm`, `ctm` and `trn` are those of NIST's sclite, `textgrid` is Praat's, `manifest` reads CSV, TSV and JSON lines. All
read with line numbers in their errors and write through a temporary file, so that no reader meets half a file.
"""
