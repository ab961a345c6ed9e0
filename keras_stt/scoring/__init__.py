"""Transcripts counted against references by the rules of NIST's sclite: tables, intervals, and tests of two systems."""
