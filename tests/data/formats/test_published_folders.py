"""Mask pictures in the layouts of published data sets are read to the pixel, or refused with the reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samtailor.data import load_task
from tests.data.formats.scenes import HEIGHT, WIDTH, check_scenes, coloured, label_map, mask_of, photo, scene
from tests.data.helpers import data_error, save, sizes_of, stems_of, write

COLOURS = {"leaf": (128, 64, 0), "stem": (0, 0, 192)}
VALUES = {"leaf": 1, "stem": 2}


def binary(number: int) -> np.ndarray:
    return (label_map(number) > 0).astype(np.uint8) * 255


def codes(task: object) -> list[str]:
    return [f.code for f in task.findings]


def test_kvasir_with_masks_as_jpeg(tmp_path: Path) -> None:
    for n in range(4):
        photo(tmp_path / "Kvasir-SEG" / "images" / f"cju{n}.jpg")
        save(tmp_path / "Kvasir-SEG" / "masks" / f"cju{n}.jpg", binary(n), quality=95)
    write(tmp_path / "Kvasir-SEG" / "kavsir_bboxes.json", {"cju0": {"height": 36, "width": 48, "bbox": []}})
    task = load_task(tmp_path)
    assert len(task.images) == 4
    for record in task.images:
        whole = label_map(int(record.path.stem[-1])) > 0
        wrong = record.instances[0].mask() ^ whole
        assert len(record.instances) == 1 and wrong.sum() <= 3


def test_isic_with_superpixels_beside_the_images(tmp_path: Path) -> None:
    for split, n in (("Training", 0), ("Training", 1), ("Training", 2), ("Validation", 3), ("Test", 4)):
        folder = tmp_path / f"ISIC2018_Task1-2_{split}_Input"
        photo(folder / f"ISIC_000000{n}.jpg")
        photo(folder / f"ISIC_000000{n}_superpixels.png")
        save(tmp_path / f"ISIC2018_Task1_{split}_GroundTruth" / f"ISIC_000000{n}_segmentation.png", binary(n))
        write(folder / "LICENSE.txt", "CC0")
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 3, "val": 1, "test": 1}
    check_scenes(task, {f"ISIC_000000{n}": n for n in range(5)}, "object", joined=True)


def test_drive_where_mask_is_the_field_of_view(tmp_path: Path) -> None:
    for split, word, numbers in (("training", "training", (21, 22, 23)), ("test", "test", (1, 2))):
        for n in numbers:
            photo(tmp_path / split / "images" / f"{n:02}_{word}.tif")
            save(tmp_path / split / "1st_manual" / f"{n:02}_manual1.gif", binary(n % 5))
            save(tmp_path / split / "mask" / f"{n:02}_{word}_mask.gif", np.full((HEIGHT, WIDTH), 255, np.uint8))
    task = load_task(tmp_path)
    check_scenes(
        task,
        {**{f"{n}_training": n % 5 for n in (21, 22, 23)}, **{f"{n:02}_test": n for n in (1, 2)}},
        "object",
        joined=True,
    )
    assert sizes_of(task) == {"train": 3, "test": 2}


def test_chase_with_two_annotators(tmp_path: Path) -> None:
    for n in range(3):
        photo(tmp_path / f"Image_0{n}L.jpg")
        save(tmp_path / f"Image_0{n}L_1stHO.png", binary(n))
        save(tmp_path / f"Image_0{n}L_2ndHO.png", binary(n))
    with data_error("_1stHO", "_2ndHO"):
        load_task(tmp_path)


def test_camvid_of_kaggle(tmp_path: Path) -> None:
    for split, numbers in (("train", (0, 1, 2)), ("val", (3,)), ("test", (4,))):
        for n in numbers:
            photo(tmp_path / "CamVid" / split / f"0016E5_0{n}.png")
            save(tmp_path / "CamVid" / f"{split}_labels" / f"0016E5_0{n}_L.png", coloured(n, COLOURS))
    write(tmp_path / "CamVid" / "class_dict.csv", "name,r,g,b\nleaf,128,64,0\nstem,0,0,192\nVoid,0,0,0\n")
    task = load_task(tmp_path)
    assert task.classes == ("leaf", "stem")
    assert sizes_of(task) == {"train": 3, "val": 1, "test": 1}
    check_scenes(task, {f"0016E5_0{n}": n for n in range(5)})


def test_camvid_of_cambridge(tmp_path: Path) -> None:
    for n in range(4):
        photo(tmp_path / "701_StillsRaw_full" / f"Seq05VD_f0{n}.png")
        save(tmp_path / "LabeledApproved_full" / f"Seq05VD_f0{n}_L.png", coloured(n, COLOURS))
    write(tmp_path / "label_colors.txt", "128 64 0\tleaf\n0 0 192\tstem\n0 0 0\tVoid\n")
    task = load_task(tmp_path)
    check_scenes(task, {f"Seq05VD_f0{n}": n for n in range(4)})


def test_cityscapes_label_ids_without_polygons(tmp_path: Path) -> None:
    for split, numbers in (("train", (0, 1, 2)), ("val", (3,))):
        for n in numbers:
            stem = f"bonn_00000{n}_000019"
            photo(tmp_path / "leftImg8bit" / split / "bonn" / f"{stem}_leftImg8bit.png")
            folder = tmp_path / "gtFine" / split / "bonn"
            save(folder / f"{stem}_gtFine_labelIds.png", label_map(n, {"leaf": 21, "stem": 26}))
            save(
                folder / f"{stem}_gtFine_instanceIds.png",
                label_map(n, {"leaf": 21, "stem": 26}).astype(np.uint16) * 1000,
            )
            save(folder / f"{stem}_gtFine_color.png", coloured(n, COLOURS))
    with data_error("labelIds", "instanceIds"):
        load_task(tmp_path)


def test_coco_stuff_pixel_maps(tmp_path: Path) -> None:
    for split, numbers in (("train2017", (0, 1, 2)), ("val2017", (3, 4))):
        for n in numbers:
            photo(tmp_path / split / f"00000000000{n}.jpg")
            save(tmp_path / "stuffthingmaps" / split / f"00000000000{n}.png", label_map(n, VALUES))
    write(tmp_path / "labels.txt", "0: unlabeled\n1: leaf\n2: stem\n")
    task = load_task(tmp_path)
    assert task.classes == ("leaf", "stem")
    assert sizes_of(task) == {"train": 3, "val": 2}
    check_scenes(task, {f"00000000000{n}": n for n in range(5)})


def test_ade20k_with_object_info(tmp_path: Path) -> None:
    for split, numbers in (("training", (0, 1, 2)), ("validation", (3, 4))):
        for n in numbers:
            photo(tmp_path / "ADEChallengeData2016" / "images" / split / f"ADE_{split}_{n}.jpg")
            save(
                tmp_path / "ADEChallengeData2016" / "annotations" / split / f"ADE_{split}_{n}.png", label_map(n, VALUES)
            )
    write(
        tmp_path / "ADEChallengeData2016" / "objectInfo150.txt",
        "Idx\tRatio\tTrain\tVal\tStuff\tName\n1\t0.1\t10\t2\t1\tleaf, frond\n2\t0.1\t10\t2\t1\tstem\n",
    )
    task = load_task(tmp_path / "ADEChallengeData2016")
    assert task.classes == ("leaf, frond", "stem")
    assert sizes_of(task) == {"train": 3, "val": 2}


def test_nnunet_with_channels_in_the_names(tmp_path: Path) -> None:
    for n in range(3):
        photo(tmp_path / "imagesTr" / f"case_00{n}_0000.png")
        save(tmp_path / "labelsTr" / f"case_00{n}.png", label_map(n, VALUES))
    photo(tmp_path / "imagesTs" / "case_009_0000.png")
    content = {"channel_names": {"0": "R"}, "labels": {"background": 0, "leaf": 1, "stem": 2}, "file_ending": ".png"}
    write(tmp_path / "dataset.json", {**content, "numTraining": 3})
    task = load_task(tmp_path)
    assert task.classes == ("leaf", "stem")
    check_scenes(task, {f"case_00{n}_0000": n for n in range(3)})
    assert "pictures-left-out" in codes(task)


def test_nnunet_with_nifti_names_the_format(tmp_path: Path) -> None:
    for n in range(3):
        write(tmp_path / "imagesTr" / f"case_00{n}_0000.nii.gz", "x")
        write(tmp_path / "labelsTr" / f"case_00{n}.nii.gz", "x")
    with data_error("NIfTI", "PNG"):
        load_task(tmp_path)


def test_deepglobe_side_by_side(tmp_path: Path) -> None:
    for n in range(4):
        photo(tmp_path / "train" / f"{n}23_sat.jpg")
        save(tmp_path / "train" / f"{n}23_mask.png", coloured(n, COLOURS))
    photo(tmp_path / "valid" / "99_sat.jpg")
    write(tmp_path / "class_dict.csv", "name,r,g,b\nleaf,128,64,0\nstem,0,0,192\nunknown,0,0,0\n")
    task = load_task(tmp_path)
    check_scenes(task, {f"{n}23_sat": n for n in range(4)})


def test_loveda_with_urban_and_rural(tmp_path: Path) -> None:
    for split, numbers in (("Train", (0, 1, 2, 3)), ("Val", (4, 5))):
        for n in numbers:
            place = ("Urban", "Rural")[n % 2]
            photo(tmp_path / split / place / "images_png" / f"{n}.png")
            save(tmp_path / split / place / "masks_png" / f"{n}.png", label_map(n, VALUES))
    write(tmp_path / "classes.json", {"1": "leaf", "2": "stem"})
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 4, "val": 2}
    check_scenes(task, {str(n): n for n in range(6)})


def test_potsdam_prints_the_table_of_its_colours(tmp_path: Path) -> None:
    for n in range(3):
        photo(tmp_path / "2_Ortho_RGB" / f"top_potsdam_2_1{n}_RGB.tif")
        save(tmp_path / "5_Labels_all" / f"top_potsdam_2_1{n}_label.tif", coloured(n, COLOURS))
    with data_error("128,64,0", "0,0,192", "class_dict.csv"):
        load_task(tmp_path)
    write(tmp_path / "class_dict.csv", "name,r,g,b\nleaf,128,64,0\nstem,0,0,192\nclutter,0,0,0\n")
    task = load_task(tmp_path)
    assert task.classes[:2] == ("leaf", "stem")


def test_carvana_with_gif_masks(tmp_path: Path) -> None:
    for n in range(4):
        photo(tmp_path / "train" / f"fff_0{n}.jpg")
        save(tmp_path / "train_masks" / f"fff_0{n}_mask.gif", (label_map(n) > 0).astype(np.uint8))
    check_scenes(load_task(tmp_path), {f"fff_0{n}": n for n in range(4)}, "object", joined=True)


def test_penn_fudan(tmp_path: Path) -> None:
    for n in range(4):
        photo(tmp_path / "PNGImages" / f"FudanPed0000{n}.png")
        save(tmp_path / "PedMasks" / f"FudanPed0000{n}_mask.png", label_map(n))
        write(tmp_path / "Annotation" / f"FudanPed0000{n}.txt", "# Compatible with PASCAL Annotation Version 1.00\n")
    check_scenes(load_task(tmp_path), {f"FudanPed0000{n}": n for n in range(4)}, "object")


def test_oxford_pets_say_that_the_values_are_classes(tmp_path: Path) -> None:
    for n in range(6):
        photo(tmp_path / "images" / f"cat_{n}.jpg")
        labels = label_map(n, VALUES)
        labels[labels == 0] = 3
        save(tmp_path / "annotations" / "trimaps" / f"cat_{n}.png", labels)
        write(tmp_path / "annotations" / "trimaps" / f"._cat_{n}.png", "mac")
    task = load_task(tmp_path)
    assert [f.severity for f in task.findings if f.code == "unnamed-classes"] == ["error"]


def test_glas_with_the_split_in_the_name(tmp_path: Path) -> None:
    numbers = {"train_1": 0, "train_2": 1, "train_3": 2, "testA_1": 3, "testB_1": 4}
    for stem, n in numbers.items():
        photo(tmp_path / f"{stem}.bmp")
        save(tmp_path / f"{stem}_anno.bmp", label_map(n))
    write(tmp_path / "Grade.csv", "name,patient\n")
    task = load_task(tmp_path)
    check_scenes(task, numbers, "object")
    assert stems_of(task) == {"train": ["train_1", "train_2", "train_3"], "test": ["testA_1", "testB_1"]}


def test_cvc_clinicdb(tmp_path: Path) -> None:
    for n in range(1, 5):
        photo(tmp_path / "Original" / f"{n}.tif")
        save(tmp_path / "Ground Truth" / f"{n}.tif", binary(n))
    check_scenes(load_task(tmp_path), {str(n): n for n in range(1, 5)}, "object", joined=True)


def test_massachusetts_roads(tmp_path: Path) -> None:
    for split, numbers in (("train", (0, 1, 2)), ("val", (3,)), ("test", (4,))):
        for n in numbers:
            photo(tmp_path / "tiff" / split / f"100{n}_15.tiff")
            save(tmp_path / "tiff" / f"{split}_labels" / f"100{n}_15.tif", binary(n))
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 3, "val": 1, "test": 1}
    check_scenes(task, {f"100{n}_15": n for n in range(5)}, "object", joined=True)


def test_data_science_bowl_with_unlabelled_test(tmp_path: Path) -> None:
    for n in range(3):
        photo(tmp_path / "stage1_train" / f"id{n}" / "images" / f"id{n}.png")
        for k, shape in enumerate(scene(n)):
            save(tmp_path / "stage1_train" / f"id{n}" / "masks" / f"{k}f.png", mask_of(shape).astype(np.uint8) * 255)
    photo(tmp_path / "stage1_test" / "id7" / "images" / "id7.png")
    write(tmp_path / "stage1_train_labels.csv", "ImageId,EncodedPixels\nid0,1 2\n")
    task = load_task(tmp_path)
    check_scenes(task, {f"id{n}": n for n in range(3)}, "object")
    assert sum(f.count for f in task.findings if f.code == "pictures-left-out") == 1


def test_stardist_with_16_bit_label_maps(tmp_path: Path) -> None:
    for split, numbers in (("train", (0, 1, 2)), ("test", (3, 4))):
        for n in numbers:
            photo(tmp_path / split / "images" / f"img_{n}.tif")
            save(tmp_path / split / "masks" / f"img_{n}.tif", label_map(n).astype(np.uint16) * 300)
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 3, "test": 2}
    check_scenes(task, {f"img_{n}": n for n in range(5)}, "object")


def test_landcover_with_a_folder_of_tiles_unread(tmp_path: Path) -> None:
    for n in range(5):
        photo(tmp_path / "images" / f"M-33-{n}.tif")
        save(tmp_path / "masks" / f"M-33-{n}.tif", label_map(n, VALUES))
    write(tmp_path / "train.txt", "M-33-0\nM-33-1\nM-33-2\n")
    write(tmp_path / "val.txt", "M-33-3\n")
    write(tmp_path / "test.txt", "M-33-4\n")
    task = load_task(tmp_path)
    assert stems_of(task) == {"train": ["M-33-0", "M-33-1", "M-33-2"], "val": ["M-33-3"], "test": ["M-33-4"]}


def test_supervised_masks_of_matting_with_alpha_are_refused(tmp_path: Path) -> None:
    for n in range(3):
        photo(tmp_path / "images" / f"{n}.png")
        rgba = np.dstack([np.zeros((HEIGHT, WIDTH, 3), np.uint8), binary(n)])
        save(tmp_path / "masks" / f"{n}.png", rgba)
    with data_error("alpha"):
        load_task(tmp_path)


def test_cellpose_with_its_own_files_beside(tmp_path: Path) -> None:
    for n in range(3):
        photo(tmp_path / f"well_{n}.tif")
        save(tmp_path / f"well_{n}_cp_masks.tif", label_map(n).astype(np.uint16))
        write(tmp_path / f"well_{n}_seg.npy", "x")
        photo(tmp_path / f"well_{n}_flows.tif")
    check_scenes(load_task(tmp_path), {f"well_{n}": n for n in range(3)}, "object")


def test_cellpose_files_alone_are_named(tmp_path: Path) -> None:
    for n in range(3):
        photo(tmp_path / f"well_{n}.tif")
        write(tmp_path / f"well_{n}_seg.npy", "x")
    with data_error("Cellpose", "_masks"):
        load_task(tmp_path)
