from appliance.features.devices.service import addresses
from appliance.settings import Devices


def test_no_address_of_the_settings_is_listened_to_while_a_gun_is_paired() -> None:
    told = Devices.model_validate(
        {
            "guns": [{"name": "a", "url": "/dev/ttyACM0"}, {"name": "b"}],
            "receipt_printer": {"url": "/dev/ttyUSB0"},
            "label_printer": {"url": "socket://host:9100"},
        }
    )
    assert sorted(addresses(told)) == ["/dev/ttyACM0", "/dev/ttyUSB0", "socket://host:9100"]
