import numpy as np
from scipy.ndimage import map_coordinates

from robustgan.simulator.noise import SIDE, WAVE, _tile, stream, texture


def test_texture_is_the_bilinear_look_up_of_the_tile() -> None:
    u, v = stream(0, 9).uniform(-40, 40, (2, 500))
    tile = _tile().reshape(SIDE, SIDE)
    expected = map_coordinates(tile, (v * WAVE, u * WAVE), order=1, mode="grid-wrap", prefilter=False)
    np.testing.assert_allclose(texture(u, v), expected, atol=1e-4)


def test_texture_is_centred_has_unit_variance_and_repeats() -> None:
    u, v = stream(0, 9).uniform(0, SIDE / WAVE, (2, 20000))
    found = texture(u, v)
    assert abs(found.mean()) < 0.05
    assert 0.6 < found.var() < 1.1  # looking up between texels takes a little away
    np.testing.assert_allclose(texture(u + SIDE / WAVE, v), found, atol=1e-3)


def test_streams_are_repeatable_and_their_keys_tell_them_apart() -> None:
    keys = [(1,), (1, 0), (1, 0, 0), (2, 0), (0, 1)]
    draws = [stream(7, *key).random() for key in keys]
    assert len(set(draws)) == len(keys)
    assert draws == [stream(7, *key).random() for key in keys]
