"""Name the tool that wrote a folder whose layout is not read, and the export to choose instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from samtailor.data.formats.sniff import files_below, head_text

__all__ = ["name_tool"]

_LOOKED_AT = 40  # files of each kind
_LISTED = 2000  # names of files

_COCO = "Export COCO"
_PICTURES = "save each label map as PNG or TIFF with its image's name, into masks/ beside images/"

# End of a file's name -> what it is, and what to do.
_BY_NAME = (
    (
        r"^task-\d+-annotation-\d+-by-.*-tag-",
        "pictures of brushes by Label Studio, whose names do not name their images",
        "Choose the export JSON in Label Studio",
    ),
    (
        r"\.nii(\.gz)?$|\.mha$|\.mhd$|\.nrrd$",
        "volumes (NIfTI, MetaImage or NRRD)",
        f"Cut them into slices: {_PICTURES}",
    ),
    (
        r"_seg\.npy$",
        "files of Cellpose (_seg.npy)",
        "In Cellpose choose File > Save masks as PNG/tif (NAME_cp_masks.png)",
    ),
    (r"\.(npy|npz)$", "NumPy arrays", f"With Python, {_PICTURES}"),
    (r"\.mat$", "MATLAB files", f"In MATLAB (imwrite) or with scipy.io.loadmat, {_PICTURES}"),
    (r"\.zarr$|\.ome\.zarr$", "Zarr arrays", f"With Python, {_PICTURES}"),
    (
        r"\.(h5|hdf5)$",
        "HDF5 files (Ilastik and others)",
        f"Export the label images, in Ilastik as png or tif: {_PICTURES}",
    ),
    (
        r"\.(roi)$|roi(s|set)?.*\.zip$",
        "ROI files of ImageJ or Fiji",
        f"In Fiji run LOCI > ROI Map, or Edit > Selection > Create Mask for each ROI, and {_PICTURES}",
    ),
    (
        r"\.(czi|lif|nd2|lsm|vsi|svs|ndpi|mrxs|scn)$",
        "microscope files",
        "Save the images as TIFF or PNG with Fiji or QuPath",
    ),
    (r"\.tfrecords?$|\.record$", "TFRecord files", f"{_COCO} from the tool that wrote them, such as Roboflow"),
    (r"\.(psd|xcf|ai|svg)$", "files of a drawing program", f"Flatten them and {_PICTURES}"),
    (r"\.(shp|gpkg|kml)$", "vector maps", f"Burn them into pictures with gdal_rasterize, and {_PICTURES}"),
    (r"\.(zip|rar|7z|tar|tgz|gz)$", "packed archives", "Unpack them first"),
)

# Mark in a json, ndjson, geojson, xml or csv file -> the tool, and what to do.
_BY_CONTENT = (
    (
        r'"data_row"\s*:|"DataRow ID"|"Labeled Data"',
        "Labelbox (ndjson)",
        "Convert it with labelbox.data.converters, or export COCO from Labelbox",
    ),
    (
        r'"label_status"\s*:|"segments_annotations"|"segmentation_bitmap"\s*:|"segments\.ai"|segmentsai',
        "Segments.ai",
        "Choose an export as COCO instance, or run export_dataset(..., export_format='coco-instance') of its library",
    ),
    (
        r'"assets"\s*:\s*\{[\s\S]{0,800}?"asset"\s*:',
        "VoTT",
        "Convert the regions to COCO; VoTT itself has no such export",
    ),
    (r'"objectHash"\s*:|"featureHash"\s*:|"data_hash"\s*:', "Encord", "Choose the export COCO in Encord"),
    (
        r'"annotations"\s*:\s*\[\s*\{\s*"label"\s*:\s*"[^"]*"\s*,\s*"coordinates"\s*:',
        "CreateML, which holds boxes only",
        "Export segmentation masks, such as COCO segmentation in Roboflow",
    ),
    (r'"instances"\s*:\s*\[[\s\S]{0,400}?"className"\s*:', "SuperAnnotate", "Choose the export COCO in SuperAnnotate"),
    (
        r'"response"\s*:\s*\{[\s\S]{0,200}?"annotations"\s*:',
        "Scale AI",
        "Convert the polygons to COCO with the tool nucleus",
    ),
    (r'"labelCategories"|"kognic"|"openlabel"\s*:', "OpenLABEL", "Export COCO or masks from the tool that wrote it"),
    (
        r'"frames"\s*:\s*\[[\s\S]{0,400}?"poly2d"\s*:|"poly2d"\s*:',
        "BDD100K or Scalabel",
        "Convert it with bdd100k.label.to_coco, or use its bitmasks as masks/",
    ),
    (
        r'"type"\s*:\s*"FeatureCollection"[\s\S]{0,2000}?"(EPSG|urn:ogc)|"crs"\s*:',
        "GeoJSON with map coordinates (SpaceNet and others)",
        "Burn the shapes into pictures with gdal_rasterize or solaris.vector.mask, into masks/ beside images/",
    ),
    (
        r"^\W*(ImageId|image_id|id|ImageId_ClassId|img_id)\W+.*(EncodedPixels|rle|segmentation|annotation|rle_mask)",
        "a Kaggle table of run-length codes",
        "Its order of pixels differs between competitions: decode it and write one "
        "mask per image into masks/ (the competition's notebooks have the function rle_decode)",
    ),
    (
        r"<Annotations[\s\S]{0,400}?<Region|<ASAP_Annotations",
        "Aperio ImageScope or ASAP (whole slides)",
        "Convert the regions to pictures (for MoNuSeg there is a published script), into masks/ beside images/",
    ),
    (
        r"<annotation>[\s\S]{0,3000}?<object>",
        "boxes or polygons as xml",
        "Export masks: COCO in the tool that wrote them",
    ),
)


_DOTA = re.compile(r"^(?:-?\d+(?:\.\d+)?\s+){8}[A-Za-z][\w\-]*(?:\s+\d)?\s*$", re.MULTILINE)


def name_tool(root: Path) -> tuple[str, str] | None:
    """Recognise files of tools whose formats are not read.

    Returns:
        What the files are, with the first one, and what to do; None if nothing is recognised.
    """
    for path in islice(_visible(root), _LISTED):
        for pattern, name, advice in _BY_NAME:
            if re.search(pattern, path.name, re.IGNORECASE):
                return f"{path} and others are {name}", f"{advice}."
    for path in islice(files_below(root, (".txt",)), _LOOKED_AT):
        if _DOTA.search(head_text(path)):
            return f"{path} has the oriented boxes of DOTA", "A box is not a mask: use its masks, as in iSAID (COCO)."
    for path in islice(files_below(root, (".json", ".ndjson", ".jsonl", ".geojson", ".xml", ".csv")), _LOOKED_AT):
        text = head_text(path)
        for pattern, name, advice in _BY_CONTENT:
            if re.search(pattern, text, re.IGNORECASE if pattern[0] == "^" else 0):
                return f"{path} looks like {name}", f"{advice}."
    return None


def _visible(root: Path) -> Iterator[Path]:
    """List files, and folders whose names end like those of arrays."""
    yield from (path for path in sorted(root.glob("*.zarr")))
    yield from files_below(root, ("",))
