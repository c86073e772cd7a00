import numpy as np

from robustgan.simulator.noise import stream
from robustgan.simulator.stain import EOSIN, HAEMATOXYLIN, draw_stain, transmit


def test_light_falls_by_the_law_of_beer_and_lambert() -> None:
    stain = draw_stain(stream(4))
    none, some = np.zeros((2, 3), np.float32), np.full((2, 3), 0.4, np.float32)
    np.testing.assert_allclose(transmit(stain, none, none)[0, 0], stain.glass, rtol=1e-5)
    density = -np.log10(transmit(stain, some, none)[0, 0] / stain.glass)
    np.testing.assert_allclose(density, 0.4 * stain.strength[0] * stain.haematoxylin, rtol=1e-4)
    both = -np.log10(transmit(stain, 2 * some, some)[0, 0] / stain.glass)
    expected = 0.8 * stain.strength[0] * stain.haematoxylin + 0.4 * stain.strength[1] * stain.eosin
    np.testing.assert_allclose(both, expected, rtol=1e-4)


def test_patients_stain_differently_round_the_published_directions() -> None:
    stains = [draw_stain(stream(4, i)) for i in range(200)]
    for found, published in (([s.haematoxylin for s in stains], HAEMATOXYLIN), ([s.eosin for s in stains], EOSIN)):
        vectors = np.stack(found)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
        cosine = vectors @ np.asarray(published) / np.linalg.norm(published)
        assert cosine.min() > 0.95
        assert vectors.std(0).max() > 0.02
