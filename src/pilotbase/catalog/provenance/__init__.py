"""Where things come from: bills of materials (CycloneDX), lineage (W3C PROV), synthetic rows."""
