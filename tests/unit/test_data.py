import numpy as np
import pytest

import drawn_faces
from thermark.core import geometry
from thermark.core.errors import ConfigError, DataError
from thermark.core.faces import Crops, Faces
from thermark.train import data
from thermark.train.augment import PLAIN, Augment


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    drawn_faces.write(folder / "grey", 30)
    drawn_faces.write(folder / "colour", 20, seed=1, colour=True)
    return folder


def test_plain_labels_are_the_source_labels_seen_through_the_crop(root):
    """The prompt of `padding` times its longer side becomes the whole input, whatever the packed crop."""
    samples = data.gather(root, ["grey"], "train", "ibug68", 128, 1.25)
    faces = Faces.open(root / "grey" / "faces.npz")
    rows = samples.origins[:, 1]
    assert (faces.splits[rows] == "train").all() and len(rows) == (faces.splits == "train").sum()
    for index in (0, 5):
        _, xy = data.look(samples, index, PLAIN)
        to_source = geometry.crop_to_source(faces.prompts[rows[index]], 128, 1.25)
        wanted = geometry.apply(geometry.invert(to_source), faces.xy[rows[index]].astype(float))
        # The drawn boxes are the prompts, up to the float32 of labels.
        np.testing.assert_allclose(xy, wanted, atol=1e-2)


def test_pixels_are_those_of_the_packed_crop(root):
    samples = data.gather(root, ["grey"], "train", "ibug68", 96, 1.75)
    crops = Crops.open(root / "grey")
    image, _ = data.look(samples, 3, PLAIN)
    np.testing.assert_array_equal(image, crops.pixels[samples.origins[3, 1]])


def test_other_vocabularies_are_translated_and_their_gaps_have_no_weight(root, tmp_path):
    faces = Faces.open(root / "grey" / "faces.npz")
    xy = np.full((len(faces), 70, 2), np.nan, np.float32)
    xy[:, :68] = faces.xy
    xy[:, 40] = np.nan
    changed = Faces(**{**faces.__dict__, "xy": xy, "vocabularies": np.full(len(faces), "facesynthetics70")})
    (tmp_path / "fs").mkdir()
    changed.save(tmp_path / "fs" / "faces.npz")
    for name in ("pixels.npy", "crops.npz"):
        (tmp_path / "fs" / name).write_bytes((root / "grey" / name).read_bytes())
    samples = data.gather(tmp_path, ["fs"], "train", "ibug68", 128, 1.25)
    plain = data.gather(root, ["grey"], "train", "ibug68", 128, 1.25)
    assert samples.weight.shape == (len(plain), 68)
    assert (samples.weight[:, 40] == 0).all() and samples.weight.sum() == 67 * len(plain)
    np.testing.assert_allclose(samples.xy[:, :40], plain.xy[:, :40])
    assert np.isfinite(samples.xy).all()
    flipped = data.assemble(samples, np.arange(len(samples)), limits=Augment(flip_p=1.0))
    # Point 40 is exchanged with 47 by a flip, and its missing label goes with it.
    assert (flipped.weight == 0).sum(axis=0).nonzero()[0].tolist() == [47]


def test_faces_without_a_prompt_are_left_out(root, tmp_path):
    (tmp_path / "x").mkdir()
    for name in ("pixels.npy", "faces.npz"):
        (tmp_path / "x" / name).write_bytes((root / "grey" / name).read_bytes())
    with np.load(root / "grey" / "crops.npz") as stored:
        maps, padding = stored["to_source"].copy(), stored["padding"]
    maps[2] = np.nan
    np.savez(tmp_path / "x" / "crops.npz", to_source=maps, padding=padding)
    samples = data.gather(tmp_path, ["x"], "train", "ibug68", 128, 1.25)
    everyone = data.gather(root, ["grey"], "train", "ibug68", 128, 1.25)
    assert set(everyone.origins[:, 1]) - set(samples.origins[:, 1]) == {2}


def test_sets_are_concatenated_and_grey_joins_colour(root):
    samples = data.gather(root, ["grey", "colour"], "val", "ibug68", 64, 1.25)
    assert samples.colour and len(samples) == 6 + 4
    batch = data.assemble(samples, np.array([0, 9]))
    assert batch.images.shape == (2, 64, 64, 3) and batch.images.dtype == np.uint8
    grey = data.gather(root, ["grey"], "val", "ibug68", 64, 1.25)
    assert data.assemble(grey, np.array([0])).images.shape == (1, 64, 64)


def test_how_faces_are_packed_is_known_where_all_sets_agree(root, tmp_path):
    """A network remembers it, and crops pictures of others alike."""
    drawn_faces.write(tmp_path / "small", 20, 48)
    drawn_faces.write(tmp_path / "large", 20, 96)
    alone = data.gather(tmp_path, ["small"], "train", "ibug68", 64, 1.25)
    both = data.gather(tmp_path, ["small", "large"], "train", "ibug68", 64, 1.25)
    assert alone.cropped == (48, 1.75) and both.cropped is None


def test_a_view_depends_on_seed_epoch_and_row_alone(root):
    samples = data.gather(root, ["grey"], "train", "ibug68", 64, 1.25)
    together = data.assemble(samples, np.array([4, 1, 7]), 3, 2, Augment())
    alone = data.assemble(samples, np.array([1]), 3, 2, Augment())
    np.testing.assert_array_equal(together.images[1], alone.images[0])
    np.testing.assert_array_equal(together.xy[1], alone.xy[0])
    for seed, epoch in ((3, 3), (4, 2)):
        other = data.assemble(samples, np.array([1]), seed, epoch, Augment())
        assert not np.array_equal(other.xy, alone.xy)


def test_epochs_shuffle_everything_and_drop_the_rest():
    first, second = data.order(70, 32, 0, 0), data.order(70, 32, 0, 1)
    assert [len(rows) for rows in first] == [32, 32]
    assert len(np.unique(np.concatenate(first))) == 64
    assert not np.array_equal(first[0], second[0])
    assert [len(rows) for rows in data.order(32, 32, 0, 0)] == [32]
    with pytest.raises(ConfigError, match="a batch of 32 needs more than the 31 training faces") as caught:
        data.order(31, 32, 0, 0)
    assert caught.value.remedy == "set `batch: 31`"
    np.testing.assert_array_equal(np.concatenate(data.in_order(70, 32)), np.arange(70))


def test_ahead_keeps_the_order_and_passes_errors_on():
    assert list(data.ahead(lambda key: key * 2, range(10))) == list(range(0, 20, 2))
    assert list(data.ahead(lambda key: key, range(1))) == [0]

    def broken(key: int) -> int:
        if key == 2:
            raise ValueError("two")
        return key

    with pytest.raises(ValueError, match="two"):
        list(data.ahead(broken, range(5)))
    stopped = data.ahead(lambda key: key, range(100))
    assert next(stopped) == 0
    stopped.close()


def test_absent_sets_empty_splits_and_unknown_words_are_errors(root):
    with pytest.raises(DataError, match="not prepared"):
        data.gather(root, ["nowhere"], "train", "ibug68", 64, 1.25)
    with pytest.raises(DataError, match="no labelled elsewhere face"):
        data.gather(root, ["grey"], "elsewhere", "ibug68", 64, 1.25)
    with pytest.raises(ConfigError):
        data.gather(root, ["grey"], "train", "coco_wholebody133", 64, 1.25)


def test_fingerprint_sees_pixels_and_labels(root, tmp_path):
    drawn_faces.write(tmp_path / "grey", 30)
    fingerprint = data.fingerprint(root, ["grey"])
    assert fingerprint == data.fingerprint(tmp_path, ["grey"])
    pixels = np.load(tmp_path / "grey" / "pixels.npy")
    pixels[17, 40, 41] ^= 1  # one bit of one pixel
    np.save(tmp_path / "grey" / "pixels.npy", pixels)
    seen = data.fingerprint(tmp_path, ["grey"])
    assert fingerprint != seen
    faces = Faces.open(tmp_path / "grey" / "faces.npz")
    faces.xy[3, 5, 0] += 1
    faces.save(tmp_path / "grey" / "faces.npz")
    assert seen != data.fingerprint(tmp_path, ["grey"])


def test_labels_in_another_vocabulary_than_declared_are_refused(root):
    data.check_labels(root, ["grey", "colour"], "ibug68")
    with pytest.raises(ConfigError, match="grey is labelled in ibug68, not in nose1"):
        data.check_labels(root, ["grey"], "nose1")
