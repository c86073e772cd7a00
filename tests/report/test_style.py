from robustgan.report.figures.style import COLOURS, MARKERS, colours


def test_no_two_attacks_look_the_same() -> None:
    names = [f"attack {i}" for i in range(len(COLOURS) * len(MARKERS))]
    assert len(set(colours(names).values())) == len(names)


def test_a_few_attacks_have_colours_of_their_own_and_noise_is_grey() -> None:
    chosen = colours(["Noise", *(f"attack {i}" for i in range(len(COLOURS)))])
    assert len({colour for colour, _ in chosen.values()}) == len(COLOURS) + 1
    assert chosen["Noise"][1] == "x"
